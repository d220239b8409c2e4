"""Secrets in texts by the name beside them: `password=x`, `"token": ["x"]`, `('pin', 1)`, `<pin>1</pin>`.

A name is found first, then its value by hand, each character once: nothing here backtracks over a value.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator

from django_observe.secretnames import MASK, NAMED, NAMING, is_secret, more
from django_observe.secretvalues import Name, goes_on, literals_of, value_of

_BACKWARDS = re.compile(
    r"""(>=|=:|={1,3}|:(?<!::)(?!:))[ \t]*\]?(["']\\{0,7}|)((?i:yek|di|edoc)[ ][\w-]+(?![<=:\w-])|[\w-]+)"""
)
"""Sign, quote and name, in a text that is turned round: signs are few, and found quickly.

`key`, `id` and `code` say nothing without the word before them: `api key: x`.
"""

_ENCODED = re.compile(
    r"(?<![\w-])(?P<name>[\w-]+)(?:%2[27])?(?:%5D)?(?P<sign>%3[AD])(?:%20|\+){0,3}", re.IGNORECASE
)
_PAIR = re.compile(r"""[(\[][ \t]*[bu]?(?P<quote>\\{0,7}["'])(?P<name>[\w-]+)(?P=quote),[ \t\r\n]*""")
_DESCRIBING = re.compile(r"""(?P<quote>\\{0,7}["'])(?P<name>[\w-]+)(?P=quote)""")
_APART = re.compile(r"[<>{}()\r\n]")
_FAR = 160
_MOST = 8
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?(?P<name>[\w.-]+)(?:[ \t][^<>]*)?>(?=[^<]|<!)")
_OPTION = re.compile(r"""--(?<![\w-]--)(?P<name>[\w-]+)(?:[ \t]+(?=[^\s-])|["'],[ \t\r\n]*(?=["'](?!-)))""")
_SPOKEN = re.compile(r" (?=')(?:(?<=\bpassword )|(?<=\bidentified by ))", re.IGNORECASE)
_ERROR = re.compile(r"(?:Bad|Invalid|Expired|Missing)[A-Z][a-z]")
_GAP = re.compile(r"[ \t]*")


def scrub_assignments(text: str, is_code: bool = False) -> str:
    """`text` with the values of secret names masked, as far as a sign, a bracket or a tag joins the two.

    In code only literals are masked: `token = self.get_token(request)` tells nothing but where one is read.
    """
    if "</" in text:
        text = _elements_masked(text)
    names: list[Name] = []
    if "=" in text or ":" in text:
        names += _assigned(text)
    if "%3" in text:
        names += _found(_ENCODED, text)
    if "--" in text:
        names += _found(_OPTION, text)
    if " '" in text:
        names += (Name(found.start(), found.end(), "password") for found in _SPOKEN.finditer(text))
    if "," in text and ("'" in text or '"' in text):
        names += (named._replace(sign=",") for named in _found(_PAIR, text))
    return _masked(text, sorted(names), is_code) if names else text


def _assigned(text: str) -> list[Name]:
    added, size = more(), len(text)
    names: list[Name] = []
    values: list[Name] = []
    naming: list[Name] = []
    for match in _BACKWARDS.finditer(text[::-1]):
        name = match[3][::-1]
        secret = is_secret(name, added)
        if not secret and (folded := name.lower()) not in NAMING and folded not in NAMED:
            continue
        gap = _GAP.match(text, size - match.start())
        end = gap.end() if gap else 0
        told = None if secret or folded in NAMED else _DESCRIBING.match(text, end)
        if not secret and folded in NAMING and (told is None or not is_secret(told["name"], added)):
            continue
        found = Name(size - match.end(), end, name, match[2][::-1], match[1][::-1])
        if told:
            naming.append(found._replace(end=told.end(), name=told["name"], quote=told["quote"]))
        else:
            (names if secret else values).append(found)
    if naming:
        names += _described(text, values[::-1], naming[::-1])
    return names


def _described(text: str, values: list[Name], naming: list[Name]) -> Iterator[Name]:
    """The values that a secret's name describes, which stands before or after them.

    As in `{"name": "token", "value": "x"}` and `{"value": "x", "name": "token"}`.
    """
    places = [each.start for each in naming]
    for value in values:
        after = bisect(places, value.start)
        for each in naming[max(after - 1, 0) : after + 1]:
            start, end = sorted((value, each))
            if end.start - start.end <= _FAR and _APART.search(text, start.end, end.start) is None:
                yield value._replace(name=each.name, quote=each.quote)
                break


def _found(pattern: re.Pattern[str], text: str) -> list[Name]:
    added = more()
    return [
        Name(match.start(), match.end(), **match.groupdict())
        for match in pattern.finditer(text)
        if is_secret(match["name"], added)
    ]


def _masked(text: str, names: list[Name], is_code: bool) -> str:
    """A value that begins within another, or with its end, makes that one longer: quotes may be unbalanced.

    What is looked at more than _MOST times, as brackets in brackets are, is masked to the end instead.
    """
    parts: list[str] = []
    done, left = 0, _MOST * len(text)
    for named in names:
        found = None if _is_prose(text, named) else value_of(text, named)
        if found is None or (named.sign == "," and goes_on(text, named, found[1])):
            continue
        start, end, shown = literals_of(text, found) if is_code else found
        left -= end - start
        if left < 0:
            end = len(text)
        if start > done:
            parts += text[done:start], shown
        done = max(done, end)
        if left < 0:
            break
    return "".join([*parts, text[done:]]) if parts else text


def _elements_masked(text: str) -> str:
    parts: list[str] = []
    done, last = 0, text.rfind("</")
    for named in _found(_ELEMENT, text):
        if done <= named.start and named.end <= last:
            parts += text[done : named.end], MASK
            done = text.index("</", named.end)
    return "".join([*parts, text[done:]]) if parts else text


def _is_prose(text: str, named: Name) -> bool:
    """`shop.TokenError: x`, `BadSignature: x`, `/api/token: 404`, `auth: up`: an error, a path, a service."""
    if named.sign != ":" or named.quote:
        return False
    name, before = named.name, text[named.start - 1 : named.start]
    is_class = before == "." and name[0].isupper() and not name.isupper()
    return is_class or before == "/" or name.lower() == "auth" or _ERROR.match(name) is not None
