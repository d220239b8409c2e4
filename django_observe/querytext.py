"""Query strings, of their own or anywhere in a text: names are told, and what QUERY_PARAMETERS lists."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from django_observe import conf, knownsecrets
from django_observe.cards import scrub_cards
from django_observe.patterns import project_patterns, scrub_matches, scrub_tokens
from django_observe.secretnames import MASK, is_listed

MAX_PARAMETERS = 64
MAX_QUERY = 16_384
"""Characters of a query string that are looked at."""

_PLAIN_NAME = re.compile(r"[\w.\[\]-]{1,64}", re.ASCII)
_QUERY = re.compile(r"\?(?=[\w%&=+\[])")
_PARAMETER = re.compile(r"[\w.%+\[\]-]{1,64}=")
_BEFORE_URL = " \t\n\r\f\v\x85\xa0\u2028\u2029\"'<>()[]{}=,;"
_QUERY_END = re.compile(r"""[\s<>\\"]|'(?=[\s>)\]}:]|,[\s']|\Z)""")
_CLOSING = ")]}.,;:!"
_LOOK_BACK = 256
_NESTED = re.compile(r"[=?#@\\\x00-\x1f]|://|bearer|basic|-----", re.IGNORECASE)
"""What a value has in it, once decoded, that could hold a secret of its own."""


def scrub_query(query: str) -> str:
    """A query string with the names of its parameters: `q=[redacted]&page=[redacted]`.

    Values of what QUERY_PARAMETERS lists stay, but for those that hold more than one plain value.
    """
    if not query:
        return ""
    listed = conf.known().query_parameters
    pairs = query[:MAX_QUERY].split("&", MAX_PARAMETERS)
    masked = [_masked(pair, listed) for pair in pairs[:MAX_PARAMETERS] if pair]
    return "&".join(masked)


def scrub_queries(text: str) -> str:
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
    word = before[max(map(before.rfind, _BEFORE_URL)) + 1 :]
    return word.startswith("/") or "://" in word or len(word) == _LOOK_BACK


def _without_closing(query: str) -> tuple[str, str]:
    """The query string and the punctuation of the sentence around it; our mask ends in a bracket itself."""
    bare = query.rstrip(_CLOSING)
    if f"{bare}]".endswith(MASK) and query.startswith("]", len(bare)):
        bare += "]"
    return bare, query[len(bare) :]


def _is_plain(value: str) -> bool:
    """Whether a value holds neither a secret nor what could hold one: another URL, a query, a header."""
    masked = scrub_cards(scrub_tokens(knownsecrets.masked(value)))
    return scrub_matches(masked, project_patterns()) == value and _NESTED.search(value) is None


def _masked(pair: str, listed: tuple[str, ...]) -> str:
    name, equals, value = pair.partition("=")
    if not equals or not _PLAIN_NAME.fullmatch(name):
        name = MASK
    elif listed and is_listed(name, listed) and _is_plain(unquote_plus(value)):
        return pair
    return f"{name}={MASK}" if equals else name
