"""Routes as they are told: one that is a regular expression reads as a template (`api/orders/<pk>/`)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_PART: Final = re.compile(
    r"""
    \(\?P(?P<name><\w+>)                      # a named group in which there is no other
        (?:[^()\[\]\\]|\\.|\[\^?\]?(?:[^\]\\]|\\.)*\])*
    \)
    | \\(?P<literal>[^\w\s])                  # an escaped character
    | [\^$] | \\[AZ] | (?<=/)\?(?=\$)         # an anchor, or the question mark of an optional last slash
    """,
    re.VERBOSE,
)
_EXPRESSION: Final = re.compile(r"[\\^$*+?()\[\]{}|]")


@lru_cache(maxsize=1_024)
def told(route: str) -> str:
    """`route` without a regular expression's signs, as Django's admindocs show it.

    As it is where more than anchors, escaped characters and named groups makes it up: an alternative or
    a repetition between parameters has no template that says the same.
    """
    if _EXPRESSION.search(_PART.sub("", route)):
        return route
    return _PART.sub(lambda part: part["name"] or part["literal"] or "", route) or (route and "/")
