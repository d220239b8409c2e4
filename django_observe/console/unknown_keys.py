"""Keys in conditions that no recent span has, with those that may be meant: most are misspelt."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from django_observe.console import trace_queries
from django_observe.console.attribute_names import same
from django_observe.console.conditions import SHORT_NAMES, Condition

_NEAR: Final = 3
_LIKENESS: Final = 0.5
_KEY_CHARS: Final = 60  # difflib's time grows with the square


@dataclass(frozen=True)
class UnknownKey:
    """`near` are up to three names that do exist."""

    key: str
    near: list[str]


def unknown_keys(connection: sqlite3.Connection, where: Iterable[Condition]) -> list[UnknownKey]:
    """Asked when nothing matches; a key that spans have is none of them, whatever its value."""
    wanted = dict.fromkeys(one.key for one in where if one.key not in SHORT_NAMES)
    missing = [key for key in wanted if not trace_queries.is_used(connection, same(key))]
    existing = [*SHORT_NAMES, *trace_queries.keys(connection)] if missing else []
    return [UnknownKey(key, _near(key, existing)) for key in missing]


def _near(key: str, existing: Iterable[str]) -> list[str]:
    """Those that contain it, as `http.request.method` does `method`, then those spelt alike."""
    short = sorted({one for one in existing if len(one) <= _KEY_CHARS}, key=lambda one: (len(one), one))
    alike = get_close_matches(key[:_KEY_CHARS], short, _NEAR, _LIKENESS)
    return list(dict.fromkeys([*(one for one in short if key in one), *alike]))[:_NEAR]
