"""Text for a terminal: colours where they are wanted, and nothing from outside that could steer it."""

from __future__ import annotations

import os
import re
import sys
from typing import Final

_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_LEVELS: Final = {
    "DEBUG": "2",
    "TRACE": "2",
    "INFO": "32",
    "WARNING": "33",
    "ERROR": "31",
    "CRITICAL": "1;31",
}
_HUES: Final = (75, 78, 176, 80, 113, 205, 179, 141, 74, 215, 79, 170)
"""Of the 256 colours, those nearest to the pages' twelve."""


def printable(text: str, *, indent: str = "") -> str:
    """`text` with control and direction characters spelled out; with `indent` its lines stay lines."""
    if text.isprintable():
        return text
    text = _ANSI.sub("", text)
    return "".join(
        one
        if one.isprintable()
        else f"\n{indent}"
        if one == "\n" and indent
        else one.encode("unicode_escape").decode()
        for one in text
    )


class Painter:
    """Wraps text in colours, or leaves it as it is."""

    def __init__(self, *, coloured: bool) -> None:
        self.coloured = coloured

    def level(self, text: str, name: str) -> str:
        """By the name of a log level."""
        return self._wrapped(text, _LEVELS.get(name, ""))

    def service(self, text: str, hue: int) -> str:
        """By the number that `hues.assign` gives a service."""
        return self._wrapped(text, f"38;5;{_HUES[hue % len(_HUES)]}")

    def dim(self, text: str) -> str:
        """For what comes second."""
        return self._wrapped(text, "2")

    def bold(self, text: str) -> str:
        """For what names the rest."""
        return self._wrapped(text, "1")

    def bad(self, text: str) -> str:
        """For failures, which are also told in words."""
        return self._wrapped(text, "31")

    def _wrapped(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured and code and text else text


def wants_colour(choice: str) -> bool:
    """`always`, `never`, or `auto`: on a terminal, unless NO_COLOR is set (https://no-color.org)."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
