"""Health checks, metrics and the like: requests that nobody looks for and that drown those one does."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django_observe.console.formatting import visible

_QUIET: Final = re.compile(
    r"(?:^|[ /])(?:health(?:z|[-_]?checks?)?|livez?|readyz?|liveness|readiness|metrics|ping|favicon\.ico)"
    r"(?:/(?:live(?:ness)?|read(?:y|iness)|startup)z?)?/?$",
    re.IGNORECASE,
)
_NAMED: Final = 3


@lru_cache(maxsize=4096)
def is_quiet(operation: str) -> bool:
    """Whether a span's name, such as `GET /healthz`, is such a request's."""
    return _QUIET.search(operation) is not None


@dataclass(frozen=True)
class Hidden:
    """What was left out: names without their method, and how often they were asked for."""

    names: str
    count: int


def told(quiet: Counter[str]) -> Hidden:
    """The three most frequent by name."""
    names = list(dict.fromkeys(name.rpartition(" ")[2] for name, _ in quiet.most_common()))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return Hidden(visible(", ".join(names[:_NAMED])) + more, quiet.total())
