"""Masking of secrets in texts: by what they are called, by what they look like, and those of this process.

Every pattern is linear and its input is capped first, so that no text from outside can stall a process.
SCRUB_PATTERNS are the project's own responsibility; they get no more than capped text either.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.core.signals import setting_changed

from django_observe import conf, databaseerrors, knownsecrets
from django_observe.assignments import scrub_assignments
from django_observe.cards import scrub_cards
from django_observe.errortext import without_quotes
from django_observe.patterns import (
    project_patterns,
    scrub_addresses,
    scrub_keys,
    scrub_matches,
    scrub_schemes,
    scrub_tokens,
)
from django_observe.querytext import scrub_queries

CUT = "[cut]"

MAX_TEXT = 16_384
"""Characters of a message, a stack or another long text that are kept."""

MAX_VALUE = 4_096
"""Characters of one string inside a value."""

MAX_NAME = 64

_SURROGATES = re.compile("[\ud800-\udfff]")
_SHORTEST_CARD = 13
_PLAIN = re.compile(r"[\w ,.;!/+*-]*\Z", re.ASCII)
"""Of these signs a text holds no name with a value, no URL and no query: only what has a mark of its own."""

_LONGEST_SHORT = 64
_LONGEST_FRAME = 512
"""Characters of what is remembered: words that come again and again, and places in the code."""


def scrub_text(text: str, limit: int = MAX_TEXT) -> str:
    """`text` cut to `limit` characters, lone surrogates replaced, what looks like a secret masked."""
    if type(text) is not str:
        text = _exact(text, 2 * limit)
    if len(text) > limit:
        text = cut(text, 2 * limit)  # so that a secret at this cut is not in what is left in the end
    text = knownsecrets.masked(text)
    text = _short(text) if len(text) <= _LONGEST_SHORT else _masked(text)
    return text if len(text) <= limit else cut(text, limit)


def scrub_number(number: float) -> float | str:
    """`number`; or its text, without what the project's own patterns find in it."""
    patterns = project_patterns()
    if not patterns:
        return number
    text = str(int(number) if number % 1 == 0 else number)
    shown = scrub_matches(text, patterns)
    return number if shown == text else shown


def scrub_frame(text: str) -> str:
    """A frame of a stack with its line of code, in which a name's value is a secret only as a literal."""
    text = knownsecrets.masked(text)
    return _frame(text) if len(text) <= _LONGEST_FRAME else _masked(text, True)


def cut(text: str, limit: int) -> str:
    """The beginning and the end of a text that is longer than `limit`: the end of a stack says most."""
    if len(text) <= limit:
        return text
    head = limit // 4
    tail = limit - head - len(CUT)
    return f"{text[:head]}{CUT}{text[-tail:]}" if tail > 0 else text[:limit]


def _exact(text: str, limit: int) -> str:
    """The text of a subclass, which may say anything of itself; cut before it is copied."""
    size = str.__len__(text)
    if size <= limit:
        return str.__str__(text)
    half = slice(limit // 2), slice(size - limit // 2, size)
    return CUT.join(str.__getitem__(text, each) for each in half)


def _masked(text: str, is_code: bool = False) -> str:
    bare = text.replace(" ", "")
    if not bare.isalpha() or "I" in bare or "earer" in bare or "asic" in bare:
        text = _scrubbed(text, bare, is_code)
    patterns = project_patterns()
    return scrub_matches(text, patterns) if patterns else text


@lru_cache(maxsize=2_048)
def _short(text: str) -> str:
    return _masked(text)


@lru_cache(maxsize=2_048)
def _frame(text: str) -> str:
    return _masked(text, True)


def forget() -> None:
    """Scrubs anew what was remembered."""
    _short.cache_clear()
    _frame.cache_clear()


def _setting_changed(*, setting: str, **_: object) -> None:
    """Receiver of `setting_changed`: SCRUB_KEYS and SCRUB_PATTERNS may be others now."""
    if setting == conf.SETTING:
        forget()


setting_changed.connect(_setting_changed, dispatch_uid="django_observe.redaction", weak=False)


def _scrubbed(text: str, bare: str, is_code: bool) -> str:
    if not text.isascii():
        text = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
    lowered = text.lower()
    if "bearer" in lowered or "basic" in lowered or "token" in lowered:
        text = scrub_schemes(text)
    if "I" not in bare and bare.isalnum():  # tokens without other signs have an I
        return text if len(bare) < _SHORTEST_CARD else scrub_cards(text)
    if _PLAIN.match(text) and "--" not in text and "url" not in text:
        return scrub_cards(scrub_tokens(text))
    text = databaseerrors.without_values(without_quotes(text))
    if "PRIVATE KEY" in text:
        text = scrub_keys(text)
    text = scrub_cards(scrub_tokens(text))
    if "://" in text:
        text = scrub_addresses(text)  # before queries: a password may hold a `?`
    if "?" in text:
        text = scrub_queries(text)
    return scrub_assignments(text, is_code)
