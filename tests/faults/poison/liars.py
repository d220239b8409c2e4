"""Objects that say the wrong thing of themselves, or raise when they are asked."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

FAULTS: tuple[type[Exception], ...] = (
    RuntimeError,
    RecursionError,
    MemoryError,
    AttributeError,
    StopIteration,
    UnicodeDecodeError,
    KeyError,
    OSError,
)
"""What a faulty object raises: a fault of the object, which the service must not feel."""


class Impatience(BaseException):
    """As gevent's Timeout and Celery's: raised from outside at whatever is being done."""


INTERRUPTIONS: tuple[type[BaseException], ...] = (
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
    asyncio.CancelledError,
    Impatience,
)
"""What ends the work, not the object's fault: whoever raises these wants them to reach the top."""

_METHODS = (
    *("__str__", "__repr__", "__format__", "__len__", "__iter__", "__bool__", "__hash__", "__eq__"),
    *("__int__", "__float__", "__index__", "__getattr__", "__contains__", "__getitem__", "__reduce_ex__"),
    *("items", "keys", "values", "encode", "decode", "isascii", "strip", "lower", "startswith", "replace"),
)


def _raised(kind: type[BaseException]) -> BaseException:
    return (
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no") if kind is UnicodeDecodeError else kind("on purpose")
    )


def raising(base: type, kind: type[BaseException], methods: tuple[str, ...] = _METHODS) -> Any:
    """A value of a subclass of `base` all of whose `methods` raise `kind`."""

    def method(*_: Any, **__: Any) -> NoReturn:
        raise _raised(kind)

    names = {name: method for name in methods if name != "__hash__"}
    made = type(f"Raising{base.__name__.title()}", (base,), {**names, "__hash__": base.__hash__})
    return made() if base in (object, dict, list, set) else made(_CONTENT.get(base, 1))


_CONTENT: dict[type, Any] = {
    str: "text",
    bytes: b"bytes",
    int: 7,
    float: 7.5,
    tuple: (1, 2),
    Exception: "error",
}


class Short(str):
    """Says that it is short, of whatever length it is."""

    __slots__ = ()

    def __len__(self) -> int:
        return 3

    def __str__(self) -> str:
        return self

    __repr__ = __str__

    def __format__(self, _: str) -> str:
        return self

    def __getitem__(self, _: object) -> Short:
        return self

    def encode(self, *_: object) -> bytes:
        return b"another text"

    def isascii(self) -> bool:
        return True

    def isprintable(self) -> bool:
        return True


class ShortBytes(bytes):
    """The same of bytes."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, _: object) -> ShortBytes:  # type: ignore[override]
        return self

    def decode(self, *_: object) -> str:
        return "\ud800" * 100_000


class Says:
    """Its text is whatever it was given, as it was given."""

    def __init__(self, text: Any) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text  # type: ignore[no-any-return]

    __repr__ = __str__


class Lengthy(list[Any]):
    """A list that says it has another length."""

    def __init__(self, length: int) -> None:
        super().__init__([1, "two", None])
        self._length = length

    def __len__(self) -> int:
        return self._length


class EndlessList(list[Any]):
    """A list that never ends."""

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield self


class EndlessMapping(Mapping[str, Any]):
    """A mapping that never ends, of keys that no one has seen before."""

    def __init__(self) -> None:
        self._count = 0

    def __getitem__(self, key: str) -> Any:
        return self

    def __iter__(self) -> Iterator[str]:
        while True:
            self._count += 1
            yield f"key {self._count}"

    def __len__(self) -> int:
        return int("-1")


class Pairs(dict[str, Any]):
    """A dict whose items are no pairs."""

    def items(self) -> Any:
        return [(1, 2, 3), None, "ab", ("a",)]


class Disguised:
    """Says that it is a dict."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return dict


class Number(int):
    """A number that is another when it is asked."""

    def __int__(self) -> int:
        return 10**5_000

    def __index__(self) -> int:
        return -1

    def __str__(self) -> str:
        return "\udfff"

    __repr__ = __str__

    def __ge__(self, _: object) -> bool:
        return True

    __le__ = __lt__ = __ge__


@dataclasses.dataclass
class Unfinished:
    """A dataclass whose field was taken away."""

    name: str = "name"
    other: Any = None

    def __getattribute__(self, name: str) -> Any:
        if name == "other":
            raise RuntimeError("no such field")
        return super().__getattribute__(name)
