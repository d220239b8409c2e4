"""Masking of secrets in names, texts, query strings and paths.

Every pattern is linear and its input is capped first, so that no text from outside can stall a process.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django_observe import conf

MASK = "[redacted]"
CUT = "[cut]"

MAX_TEXT = 16_384
"""Characters of a message, a stack or another long text that are kept."""

MAX_PARAMETERS = 64
MAX_NAME = 64

_NAMES = (
    r"passw(?:or)?d|passphrase|pwd|secret(?!ar)|token(?!s?_?(?:count|type|limit|usage|iz))|api_?key|access_?key"
    r"|private_?key|session(?:_?id|_?key)?|csrf|xsrf|jwt|credential"
)
_HEADERS = "authorization|cookie"
_SURROGATES = re.compile("[\ud800-\udfff]")
_SEPARATORS = re.compile(r"[\W_]")
_CAPTURES = re.compile(r"<(?:\w+:)?(\w+)>")
_PLAIN_NAME = re.compile(r"[\w.\[\]-]{1,64}", re.ASCII)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL
)
_USERINFO = re.compile(r"""://[^\s/?#"'<>]{1,512}@""")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?", re.ASCII)
_SCHEME = re.compile(
    r"\b(bearer[ \t]+|basic[ \t]+(?=[a-z+/]{0,256}(?-i:[A-Z0-9=])))[\w.~+/=-]{6,}", re.IGNORECASE | re.ASCII
)
_BETWEEN = r"""[\w-]{0,20}\\{0,3}["']?[ \t]{0,3}(?:=>|[=:])[ \t]{0,3}"""
_QUOTED = r"""[bru]{0,2}\\{0,3}(?:"[^"]{0,4096}"?|'[^']{0,4096}'?)"""
_HEADER = re.compile(rf"((?:{_HEADERS}){_BETWEEN})({_QUOTED}|[^\r\n]+)", re.IGNORECASE)
_QUERY = re.compile(r"\?(?=[\w%&=+\[])")
_PARAMETER = re.compile(r"[\w.%+\[\]-]{1,64}=")
_BEFORE_URL = re.compile(r"[\s\"'<>()\[\]{}=,;]")
_QUERY_END = re.compile(r"""[\s<>\\"]|'(?=[\s>)\]}:]|,[\s']|\Z)""")
_CLOSING = ")]}.,;:!"
_LOOK_BACK = 256


def scrub_text(text: str, limit: int = MAX_TEXT) -> str:
    """`text` cut to `limit` characters, lone surrogates replaced, what looks like a secret masked."""
    if len(text) > limit:
        text = cut(text, 2 * limit)  # so that a secret at this cut is not in what is left in the end
    if not text.isascii():
        text = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    lowered = text.lower()
    if "private key-----" in lowered:
        text = _PRIVATE_KEY.sub(MASK, text)
    if "?" in text:
        text = _with_queries_scrubbed(text)
    if "=" in text or ":" in text:
        text = _assigned(text, lowered)
    if "bearer" in lowered or "basic" in lowered:
        text = _SCHEME.sub(rf"\1{MASK}", text)
    if "eyJ" in text:
        text = _JWT.sub(MASK, text)
    return cut(text, limit)


def scrub_query(query: str) -> str:
    """A query string of which only the parameters' names are left: `q=[redacted]&page=[redacted]`."""
    if not query:
        return ""
    pairs = query[:MAX_TEXT].split("&", MAX_PARAMETERS)
    masked = [_masked(pair) for pair in pairs[:MAX_PARAMETERS] if pair]
    return "&".join(masked)


def scrub_path(path: str, route: str = "") -> str:
    """`path`, or its `route` where that captures a secret (such as `reset/<uidb64>/<token>/`)."""
    if "<" in route and _captures_secret(route, _more()):
        return "/" + route.lstrip("/^")
    return scrub_text(path, 1_024)


def is_secret(name: str) -> bool:
    """Whether a key of this name (any case, with `-`, `_` or neither) has a value that nobody should read."""
    return _is_secret(name, _more())


def cut(text: str, limit: int) -> str:
    """The beginning and the end of a text that is longer than `limit`: the end of a stack says most."""
    if len(text) <= limit:
        return text
    head = limit // 4
    tail = limit - head - len(CUT)
    return f"{text[:head]}{CUT}{text[-tail:]}" if tail > 0 else text[:limit]


def _with_queries_scrubbed(text: str) -> str:
    """`text` with the query string of each URL, path and request in it scrubbed; questions stay."""
    parts, done = [], 0
    while (mark := _QUERY.search(text, done)) is not None:
        start = mark.end()
        parts.append(text[done:start])
        done = start
        url = _ends_in_url(text[max(start - 1 - _LOOK_BACK, 0) : start - 1])
        if not url and not _PARAMETER.match(text, start):
            continue
        end = _QUERY_END.search(text, start)
        done = end.start() if end else len(text)
        query, closing = _without_closing(text[start:done])
        parts += scrub_query(query), closing
    return "".join([*parts, text[done:]])


def _ends_in_url(before: str) -> bool:
    """Whether the last word is a URL, a path, or too long for a sentence."""
    word = before[max((each.end() for each in _BEFORE_URL.finditer(before)), default=0) :]
    return word.startswith("/") or "://" in word or len(word) == _LOOK_BACK


def _without_closing(query: str) -> tuple[str, str]:
    """The query string and the punctuation of the sentence around it; our mask ends in a bracket itself."""
    bare = query.rstrip(_CLOSING)
    if f"{bare}]".endswith(MASK) and query.startswith("]", len(bare)):
        bare += "]"
    return bare, query[len(bare) :]


def _assigned(text: str, lowered: str) -> str:
    if "://" in text and "@" in text:
        text = _USERINFO.sub(f"://{MASK}@", text)
    if "authorization" in lowered or "cookie" in lowered:
        text = _HEADER.sub(_mask_value, text)
    return _assignments(_more()).sub(_mask_value, text)


def _mask_value(match: re.Match[str]) -> str:
    value: str = match[2]
    if value.startswith(MASK):
        return match[0]
    closing = value[len(value.rstrip(")]}>")) :]
    return f"{match[1]}{MASK}{closing}"


def _masked(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    if not equals or not _PLAIN_NAME.fullmatch(name):
        name = MASK
    return f"{name}={MASK}" if equals else name


def _more() -> tuple[str, ...]:
    return conf.settings().scrub_keys if conf.configured() else ()


@lru_cache(maxsize=8)
def _assignments(more: tuple[str, ...]) -> re.Pattern[str]:
    """`name=value` and `name: value` with the names that are secret."""
    names = "|".join([_NAMES.replace("_?", "[_-]?"), *map(re.escape, more)])
    return re.compile(rf"((?:{names}){_BETWEEN})({re.escape(MASK)}|{_QUOTED}|[^\s,;&\"']+)", re.IGNORECASE)


@lru_cache(maxsize=8)
def _names(more: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join([_NAMES, _HEADERS, *(re.escape(_folded(name)) for name in more)]))


@lru_cache(maxsize=4_096)
def _is_secret(name: str, more: tuple[str, ...]) -> bool:
    return _names(more).search(_folded(name)) is not None


def _folded(name: str) -> str:
    return _SEPARATORS.sub("", name[:256]).lower()


@lru_cache(maxsize=4_096)
def _captures_secret(route: str, more: tuple[str, ...]) -> bool:
    return any(_is_secret(name, more) for name in _CAPTURES.findall(route))
