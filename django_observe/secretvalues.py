"""Where in a text the value of a secret's name ends: with its quote, bracket, word or line."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from django_observe.secretnames import MASK, MULTI_WORD, is_counted, is_secret

Found: TypeAlias = tuple[int, int, str]
"""Where a value begins and ends, and what is shown in its place."""


class Name(NamedTuple):
    """A secret's name in a text: where it begins, where its value does, its closing quote and its sign."""

    start: int
    end: int
    name: str
    quote: str = ""
    sign: str = ""


_BOUNDARY = r"""(?=[\s,;:.)\]}>"'\\]|\Z)"""
_HARMLESS = re.compile(
    rf"(?:None|null|True|False|true|false|%s|%\(\w{{1,64}}\)s|\?|\$\d+|\[\]|\{{\}}|\(\)){_BOUNDARY}"
    r"""|(?:''(?!')|""(?!"))"""
    r"""|\[(?:ErrorDetail\(string='[\w ,.()-]{1,256}', code='\w{1,64}'\)(?:, )?){1,8}\]"""
)
"""What holds nothing; and REST framework's words on what is wrong with a field."""

_COUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?(?=[\s;)\]}]|,(?!\d)|\.(?:\s|\Z)|\Z)")
_OPENING = re.compile(r"""[bfru]{0,2}(?P<quote>(?P<slashes>\\{0,7})(?:\"{3}|'{3}|["']))""", re.IGNORECASE)
_INSIDE = {
    '"': re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL),
    "'": re.compile(r"[^'\\]*(?:\\.[^'\\]*)*", re.DOTALL),
}
_LITERAL = re.compile(
    r"""(?P<quote>["'])(?P<inside>(?:(?!(?P=quote))[^\\]|\\.)*)(?:(?P=quote)|\Z)""", re.DOTALL
)
_NAME = re.compile(r"[\w.-]{1,64}")
_CALL = re.compile(r"[\w.]*[(\[{]")
_QUOTE_INSIDE = r"""["'](?![\s,;:.)\]}>]|\Z)"""
_NEXT = r"""[ \t]*[\w.\[\]%-]*\\{0,7}["']?[ \t]?[=:]"""
_WORD = re.compile(
    rf"""(?:[^\s,;&"'<]|<(?!/)|[,;&](?!\s|{_NEXT}|["'\[{{(]|\Z)|{_QUOTE_INSIDE})+""",
)
_LINE = re.compile(
    rf"""(?:[^\r\n,;"' \t]|[ \t](?![\w.-]+=)|[,;](?!{_NEXT}|[ \t]*["'\[{{(])|{_QUOTE_INSIDE})+"""
)
_WHOLE_LINE = re.compile(r"[^\r\n]+")
_HEADER = re.compile("authorization|cookie", re.IGNORECASE)
_MORE = re.compile(r"[ \t]*,[ \t\r\n]*[^ \t\r\n)\]]")
_OPENERS, _CLOSERS = "([{", ")]}"
_AFTER = f"{_CLOSERS}>"


def value_of(text: str, named: Name) -> Found | None:
    """The value that begins where `named` ends, unless it tells nothing or is masked already."""
    start = named.end
    if _HARMLESS.match(text, start) or (_COUNT.match(text, start) and is_counted(named.name)):
        return None
    if opening := _OPENING.match(text, start):
        return _quoted(text, opening)
    whole = _extent(text, named).match(text, start)
    bare = whole[0].rstrip(_AFTER).rstrip() if whole else ""
    if bare and whole and whole[0].startswith(MASK, len(bare) + 1 - len(MASK)):
        bare += "]"  # our mask's own, of a pass before
    end = start + len(bare)
    if not text.startswith(MASK, start):
        call = _CALL.match(text, start)
        end = max(end, _end_of_call(text, call.end() - 1, named.quote.count("\\"))) if call else end
    elif end <= start + len(MASK):
        return None
    return (start, end, f"{named.quote}{MASK}{named.quote}") if end > start else None


def literals_of(text: str, found: Found) -> Found:
    """`found` with only the literals in it masked, where it is an expression; names of secrets are none."""
    start, end, _ = found
    is_inside = any(each.start() < start < each.end() for each in _LITERAL.finditer(text))
    if is_inside or text[start].isdigit() or _OPENING.match(text, start):
        return found
    return start, end, _LITERAL.sub(_literal_masked, text[start:end])


def goes_on(text: str, named: Name, end: int) -> bool:
    """A list of names is no pair, and no secret; but what is in brackets is one, whatever comes after."""
    return _CALL.match(text, named.end) is None and _MORE.match(text, end) is not None


def _extent(text: str, named: Name) -> re.Pattern[str]:
    """How far a value without quotes goes: a word, or to the end of its line."""
    if named.quote or named.sign in {"", ","} or named.sign.startswith("%"):
        return _WORD
    if _HEADER.search(named.name):
        return _WHOLE_LINE
    spaced = named.sign == ":" or text[named.end - 1].isspace()
    return _LINE if spaced and MULTI_WORD.search(named.name) else _WORD


def _quoted(text: str, opening: re.Match[str]) -> Found:
    """From a quote to its like, which has as many backslashes before it; without one, to the end."""
    quote, start = opening["quote"], opening.end()
    if quote in _INSIDE:
        inside = _INSIDE[quote].match(text, start)
        end = inside.end() if inside else start
    else:
        end = _closing(text, quote, start)
    shown = f"{text[opening.start() : start]}{MASK}"
    if end < 0 or not text.startswith(quote, end):
        return opening.start(), len(text), shown
    return opening.start(), end + len(quote), f"{shown}{quote}"


def _literal_masked(match: re.Match[str]) -> str:
    inside, quote = match["inside"], match["quote"]
    is_name = _NAME.fullmatch(inside) is not None and is_secret(inside)
    return match[0] if is_name or not inside else f"{quote}{MASK}{quote}"


def _closing(text: str, quote: str, start: int) -> int:
    end = text.find(quote, start)
    while end > start and text[end - 1] == "\\":  # one that is deeper, as JSON in JSON has them
        end = text.find(quote, end + len(quote))
    return end


def _end_of_call(text: str, start: int, slashes: int) -> int:
    """The end of the brackets that begin at `start`, and of what goes on without a space after them."""
    end = _end_of_bracket(text, start, slashes)
    rest = _WORD.match(text, end)
    return end + len(rest[0].rstrip(_AFTER)) if rest else end


def _end_of_bracket(text: str, start: int, slashes: int) -> int:
    depth = 0
    for match in _brackets(slashes).finditer(text, start):
        sign = match[0]
        depth += (sign in _OPENERS) - (sign in _CLOSERS)
        if depth == 0:
            return match.end()
    return len(text)


@lru_cache(maxsize=8)
def _brackets(slashes: int) -> re.Pattern[str]:
    """Brackets and quoted texts, in JSON that is in JSON with so many backslashes before a quote."""
    quoted = (
        rf"""(?<!\\)\\{{{slashes}}}{quote}(?:(?!(?<!\\)\\{{{slashes}}}{quote}).)*(?:\\{{{slashes}}}{quote})?"""
        if slashes
        else rf"""{quote}[^{quote}\\]*(?:\\.[^{quote}\\]*)*{quote}?"""
        for quote in ('"', "'")
    )
    return re.compile("|".join([r"[(\[{]|[)\]}]", *quoted]), re.DOTALL)
