"""Log calls that break formatters and exporters, for tests that make them all."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import logging
import math
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

DEPTH = 3_000


class Spiteful:
    """Raises whatever it is asked."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Endless(Spiteful):
    """Recurses without end when it is printed."""

    def __str__(self) -> str:
        return str(self)

    __repr__ = __str__


class Untruthful:
    """Answers with something that is no text."""

    def __str__(self) -> str:
        return None  # type: ignore[return-value]  # noqa: PLE0307 - this is the point


class Evasive:
    """Has no attribute that can be read, but for the class, which logging itself looks at."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return Evasive
        raise ValueError(name)


class Inquisitive:
    """Looks at who asks, as debuggers and libraries that guess names of variables do, and raises."""

    def __str__(self) -> str:
        caller = sys._getframe(1)
        raise RuntimeError(caller.f_code.co_name)

    __repr__ = __str__


class Failing(Exception):  # noqa: N818 - it stands for any application's
    """An error that cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Unhashable(dict[str, Any]):
    """A mapping that cannot be iterated."""

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no items")

    def items(self) -> NoReturn:
        raise RuntimeError("no items")


def _cyclic_list() -> list[Any]:
    cycle: list[Any] = []
    cycle.append(cycle)
    return cycle


def _cyclic_dict() -> dict[str, Any]:
    cycle: dict[str, Any] = {}
    cycle["self"] = {"again": cycle}
    return cycle


def _deep(make: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(DEPTH):
        value = make(value)
    return value


VALUES: dict[str, Any] = {
    "a list in itself": _cyclic_list(),
    "a dict in itself": _cyclic_dict(),
    "a deep list": _deep(lambda inner: [inner]),
    "a deep dict": _deep(lambda inner: {"inner": inner}),
    "a deep tuple": _deep(lambda inner: (inner,)),
    "no text": Spiteful(),
    "no end": Endless(),
    "text that is none": Untruthful(),
    "no attributes": Evasive(),
    "no text, and its caller's frame in a variable": Inquisitive(),
    "a list of these": [Spiteful(), Endless(), Evasive()],
    "a key without text": {Spiteful(): 1},
    "keys that are no text": {(1, 2): "tuple", None: "none", b"\xff": "bytes", 1.5: "float"},
    "a dict without items": Unhashable(a=1),
    "a lone surrogate": "\ud800",
    "a surrogate in a key": {"\udfff": 1},
    "NUL and controls": "a\x00b\x1b[31m\r\n\u2028",
    "not a number": math.nan,
    "infinities": [math.inf, -math.inf],
    "bytes": b"\xff\xfe\x00",
    "300 KB": "x" * 300_000,
    "300 KB of bytes": bytes(300_000),
    "100,000 items": list(range(100_000)),
    "a huge integer": 10**400,
    "beyond 64 bits": 2**64,
    "a decimal": decimal.Decimal("sNaN"),
    "a complex number": complex(math.nan, math.inf),
    "a date before all": dt.datetime.min.replace(tzinfo=dt.timezone.utc),
    "a set": {1, "a", None},
    "a generator": (number for number in range(3)),
    "a lock": threading.Lock(),
    "a class": Spiteful,
    "an enumeration": enum.Enum("Colour", {"RED": math.nan}).RED,  # type: ignore[attr-defined]
    "a UUID": uuid.UUID(int=0),
    "an error without text": Failing(),
}
"""Values that come as message, as argument and as an extra field."""

MESSAGES: dict[str, tuple[Any, ...]] = {
    "too few arguments": ("%s and %s", 1),
    "too many arguments": ("nothing", 1, 2),
    "a number wanted": ("%d", "seven"),
    "a format that ends early": ("100 %", 1),
    "an unknown conversion": ("%y", 1),
    "a missing name": ("%(missing)s", {"present": 1}),
    "a width that fills memory": ("%*d", "wide", 1),
    "no message": (None,),
    "a dict": ({"level": "FATAL", "message": math.nan, "correlation_id": []},),
}


def log_calls(logger: logging.Logger) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each hostile call by its name; every one hands `logger` a single record."""
    for name, value in VALUES.items():
        yield f"message: {name}", lambda value=value: logger.info(value)  # type: ignore[misc]
        yield f"argument: {name}", lambda value=value: logger.info("about %s", value)  # type: ignore[misc]
        yield f"extra: {name}", lambda value=value: logger.info("about", extra={"it": value})  # type: ignore[misc]
    for name, words in MESSAGES.items():
        yield name, lambda words=words: logger.warning(*words)  # type: ignore[misc]
    yield "an error without text", lambda: _fail(logger, Failing())
    yield "an endless error", lambda: _fail(logger, ValueError(Endless()))
    yield "no error at all", lambda: logger.exception("nothing was raised")  # noqa: LOG004
    yield "an error in a circle", lambda: _fail(logger, _circle())


def _fail(logger: logging.Logger, error: Exception) -> None:
    logger.error("failed", exc_info=error)


def _circle() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first
