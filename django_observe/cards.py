"""Numbers of payment cards in texts, told from order numbers, times and IDs.

A number is one when its first digits are an issuer's, its length is what that issuer uses, its grouping is
that of a card, its last digit is right (Luhn, ISO/IEC 7812-1 annex B), and it is no part of anything longer.
"""

from __future__ import annotations

import re

from django_observe.secretnames import MASK

_ISSUERS = tuple(
    (re.compile(prefix), lengths)
    for prefix, lengths in (
        ("4", (13, 16, 19)),  # Visa
        ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        ("3[47]", (15,)),  # American Express
        (
            "6011|64[4-9]|65|35(?:2[89]|[3-8])|62|81|60|508|220[0-4]",
            (16, 17, 18, 19),
        ),  # Discover, JCB, UnionPay
        ("30[0-5]|3095|36|3[89]", (14, 15, 16, 17, 18, 19)),  # Diners
        ("5018|5020|5038|5893|6304|6759|676[1-3]", (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    )
)
"""First digits and lengths, by issuer."""

_NUMBER = re.compile(
    r"[2-69](?<![\w.+].)(?<!\d[ -].)\d{3}(?:"  # the first digit first: digits are found quickly
    r"\d{9,15}"
    r"|([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?"
    r"|([ -])\d{6}\2\d{4,5}"
    r"|([ -])\d{3}\3\d{3}\3\d{3}"
    r")(?!\w|-\w|[ .]\d)",
    re.ASCII,
)
_ID = re.compile(r"(?:trace|span|correlation|request|parent|task)[_-]?id\W{1,4}\Z", re.IGNORECASE | re.ASCII)
_LOOK_BACK = 24
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def scrub_cards(text: str) -> str:
    """`text` with the numbers of cards masked."""
    return _NUMBER.sub(_masked, text)


def is_card(digits: str) -> bool:
    """Whether 13 to 19 digits are a card's number."""
    issued = any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _ISSUERS)
    return issued and _luhn(digits)


def _masked(match: re.Match[str]) -> str:
    before = match.string[max(match.start() - _LOOK_BACK, 0) : match.start()]
    if _ID.search(before) or not is_card(match[0].replace(" ", "").replace("-", "")):
        return match[0]
    return MASK


def _luhn(digits: str) -> bool:
    backwards = [ord(digit) - 48 for digit in reversed(digits)]
    return (sum(backwards[::2]) + sum(_DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0
