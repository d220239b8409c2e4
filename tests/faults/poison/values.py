"""The strategies: what hypothesis puts together."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any, Final

from hypothesis import strategies as st

from tests import hostile
from tests.faults.poison import liars

HUGEST: Final = "x" * 70_000_000
"""Tried once in every place; in all others a text that costs less to copy."""

HUGE: Final = HUGEST[:500_000]
HUGE_BYTES: Final = HUGE.encode()
DEPTH: Final = 3_000


def chain(levels: int) -> Exception:
    """An error with so many causes."""
    error = ValueError("the first")
    for number in range(levels):
        outer = RuntimeError(f"cause {number}")
        outer.__cause__ = error
        error = outer  # type: ignore[assignment]
    return error


def annotated(*notes: Any) -> Exception:
    """An error with notes, where Python knows them (3.11)."""
    error = ValueError("noted")
    error.__notes__ = list(notes)  # type: ignore[attr-defined]
    return error


def _syntax_error() -> Exception:
    error = SyntaxError("bad", ("file", 1, 1, "\ud800" * 10_000))
    error.lineno, error.offset, error.text = "no number", -1, liars.Short(HUGE)  # type: ignore[assignment]
    return error


TEXTS: Final[list[Any]] = [
    *("\ud800", "a\udfffz", "NaN", "\x00\x1b[31m", "\r\n\u2028\u2029\x85", '"}\n{"forged": 1}', "%s %d %"),
    HUGE,
    *(liars.Short(HUGE), liars.Short("\ud800"), liars.Short("short")),
]
ERRORS: Final[list[BaseException]] = [
    *(chain(DEPTH), chain(3), hostile._circle(), hostile.Failing()),
    *(ValueError(HUGE), ValueError("\ud800"), ValueError(liars.Short(HUGE)), KeyError(hostile.Endless())),
    *(annotated("\ud800", HUGE), annotated(hostile.Spiteful()), _syntax_error()),
    *(liars.raising(Exception, kind) for kind in liars.FAULTS),
]
FAULTY: Final[list[Any]] = [
    *hostile.VALUES.values(),
    *(HUGE_BYTES, bytearray(HUGE_BYTES), memoryview(b"\xff\xfe")),
    *(liars.ShortBytes(HUGE_BYTES), liars.Says(HUGE), liars.Says(liars.Short(HUGE)), liars.Says(None)),
    *(
        liars.Says("\ud800"),
        liars.Lengthy(10**15),
        liars.Lengthy(0),
    ),
    *(liars.Pairs(a=1), liars.Disguised(), liars.Number(7), liars.Unfinished()),
    *(decimal.Decimal("NaN"), dt.timedelta.max, object, type, Ellipsis, NotImplemented),
    *(
        liars.raising(base, kind)
        for base in (object, str, bytes, int, float, list, dict, tuple, set)
        for kind in liars.FAULTS[:4]
    ),
]
ENDLESS: Final[list[Any]] = [liars.EndlessList(), liars.EndlessMapping(), range(10**18)]
"""Not for spans: OpenTelemetry's own API, which the application calls, walks through them."""

INTERRUPTING: Final[list[Any]] = [
    liars.raising(base, kind, ("__str__", "__repr__", "__format__"))
    for base in (object, Exception)
    for kind in liars.INTERRUPTIONS
]


def one(items: list[Any]) -> st.SearchStrategy[Any]:
    """One of the items; `sampled_from` would print them."""

    def item(number: int) -> Any:
        return items[number]

    return st.integers(0, len(items) - 1).map(item)


HUGE_ONES: Final[list[Any]] = [
    *(HUGEST, liars.Short(HUGEST), liars.Says(HUGEST), liars.Says(liars.Short(HUGEST))),
    *(HUGEST.encode(), liars.ShortBytes(HUGEST.encode()), [HUGEST, {"deeper": HUGEST}]),
]

text = st.one_of(one(TEXTS), st.text(st.characters(exclude_categories=()), max_size=30))
errors = one(ERRORS)
atoms = st.one_of(
    text,
    errors,
    one(FAULTY),
    one(FAULTY),
    st.floats(),
    st.integers(),
    st.binary(max_size=20),
    st.none() | st.booleans(),
)
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.one_of(text, st.integers(), st.none(), st.floats()), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.builds(lambda value: {"password": value, "deeper": [value]}, inner)
    ),
    max_leaves=8,
)
