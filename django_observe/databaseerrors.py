"""What databases quote in their errors: values of keys and rows, and pieces of statements.

Names of constraints, columns and tables, which are quoted as well, stay: they say what went wrong.
"""

from __future__ import annotations

import re
from typing import Final

from django_observe.secretnames import MASK

_OF_A_KEY: Final = (
    *(") already exists", ") is not present", ") is still ref", ") is referenced", ") is duplicated"),
    *(") conflicts with", ")."),
    *(")«", ") »", ") esiste", ") já ", ") już "),  # as PostgreSQL's translations end
)
_QUOTES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (")=(", r"\b[Kk]ey \([^\n]{1,512}?\)=\(", _OF_A_KEY),  # DETAIL:  Key (email)=(a@b.ch) already exists.
    (")=(", r"»\([^\n»]{1,512}?\)=\(|« \([^\n«]{1,512}?\)=\(", _OF_A_KEY),
    (")=(", r"\b(?:[Ll]lave|[Cc]hiave|[Cc]have|[Kk]lucz) \([^\n]{1,512}?\)=\(", _OF_A_KEY),
    (" contains (", r"\bFailing row contains \(", (").",)),
    ("LINE ", r"\bLINE [0-9]+: ", ("\n",)),
    ("\nZEILE ", r"\nZEILE [0-9]+: ", ("\n",)),
    ("\nLIGNE ", r"\nLIGNE [0-9]+ ?: ", ("\n",)),
    ("\nLÍNEA ", r"\nLÍNEA [0-9]+: ", ("\n",)),
    (": »", r"\bungültige Eingabe[^\n:]{1,128}: »", ("«",)),
    (": « ", r"\ben entrée invalide[^\n:]{1,128}: « ", (" »",)),
    ("COPY ", r"\bCOPY [^\n:]{1,128}: \"", ('"',)),
    (': "', r"\binvalid (?:input syntax|input value|value) for [^\n:]{1,128}: \"", ('"',)),
    (': "', r"\b(?:out of range|literal|tsquery|tsvector): \"", ('"',)),
    ("JSON data, line ", r"\bJSON data, line [0-9]+: ", ("\n",)),
    ("invalid XML ", r"\binvalid XML \w+\nDETAIL: ", ()),
    ('zone "', r"\btime zone \"", ('" not recognized',)),
    ('invalid value "', r"\binvalid value \"", ('" for "',)),
    ('value "', r"\bvalue \"(?=[^\n]{0,512}\" is out of range)", ('" is out of range',)),
    ("oken", r"\bToken \"|\bunrecognized token: \"", ('"',)),
    (" = '", r"\$[0-9]+ = '", ("'",)),  # parameters: $1 = 'a', $2 = 'b'
    ("[parameters: ", r"\[parameters: ", (")]", "}]", "]]")),  # SQLAlchemy
    ('SQL statement "', r"\bSQL statement \"", ('"',)),
    ("Duplicate entry '", r"\bDuplicate entry '", ("' for key",)),
    (" value: '", r"\b[Ii]ncorrect [\w ]{1,32} value: '", ("' for column", "'\")", "'\n")),
    ("near ", r"\bnear ['\"]", ("' at line", '": syntax error', '"')),
    ("key value is (", r"\bduplicate key value is \(", (").",)),
    (" value '", r"\b[Cc]onver\w{1,8} [^\n']{1,128} value '", ("' to ",)),
    ("but got '", r"\bexpected [^\n']{1,64} but got '", ("'.",)),
    ("dup key: {", r"\bdup key: \{ ?", ("}",)),  # MongoDB
    ("beginning with: ", r"\bargs beginning with: ", ("\n",)),  # Redis
)
"""For each: what is in every such text, how the value's opening looks, what may close it."""

_MARKS: Final = ("'", '"', "(", "[", "{", "»", "«", "LINE ", "ZEILE ", "LIGNE ", "LÍNEA ", "XML ")
"""One of these is in all of them."""

_NEVER: Final = r"(?!)"
_OPENINGS: Final = tuple(
    (hint, re.compile(opening), re.compile("|".join(map(re.escape, closings)) or _NEVER))
    for hint, opening, closings in _QUOTES
)


def without_values(text: str) -> str:
    """`text` with these values masked, as far as the line in which they may end; or to the end of all."""
    if not any(mark in text for mark in _MARKS):
        return text
    for hint, opening, closing in _OPENINGS:
        if hint in text:
            text = _masked(text, opening, closing)
    return text


def _masked(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    told: list[str] = []
    position = 0
    while (found := opening.search(text, position)) is not None:
        told += text[position : found.end()], MASK
        position = _end(text, found.end(), closing)
    told.append(text[position:])
    return "".join(told)


def _end(text: str, start: int, closing: re.Pattern[str]) -> int:
    """Where a value may end last: it may hold what closes it, but then in the same line."""
    first = closing.search(text, start)
    if first is None:
        return len(text)
    line = text.find("\n", first.end())
    ends = [each.start() for each in closing.finditer(text, first.start(), line if line >= 0 else len(text))]
    return ends[-1]
