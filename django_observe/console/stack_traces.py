"""A Python traceback as blocks: the project's own frames open, those of libraries together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

_FRAME: Final = re.compile(r'  File "(?P<file>[^"\n]*)", line (?P<line>\d+)(?:, in (?P<function>.*))?')
_LIBRARY: Final = re.compile(
    r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib(?:64)?[/\\]python\d|^<frozen |[/\\]Python\d+[/\\]Lib[/\\]"
)
_PACKAGE: Final = re.compile(r"[/\\](?:site|dist)-packages[/\\]([^/\\.]+)")


@dataclass(frozen=True)
class Block:
    """Lines of a traceback; `frames` of a library in a row, from `packages`, or 0 for what is shown open."""

    text: str
    frames: int = 0
    packages: str = ""


@dataclass(frozen=True)
class StackTrace:
    """`place` and `code` are of the last frame in the project's own code; empty when there is none."""

    blocks: Sequence[Block]
    place: str = ""
    code: str = ""


def read(text: str) -> StackTrace:
    """Splits a traceback; a text that is none becomes one open block."""
    chunks: list[tuple[str, list[str]]] = [("", [])]  # (file of the frame or "", lines)
    for line in text.splitlines():
        frame = _FRAME.match(line)
        if frame:
            chunks.append((frame["file"], [line]))
        elif line.startswith("    ") or not chunks[-1][0]:
            chunks[-1][1].append(line)
        else:
            chunks.append(("", [line]))
    place, code = _last_own(chunks)
    blocks = [
        _block(library, list(group))
        for library, group in groupby(chunks, key=lambda chunk: _is_library(chunk[0]))
    ]
    return StackTrace([block for block in blocks if block.text], place, code)


def _is_library(file: str) -> bool:
    return bool(file) and _LIBRARY.search(file) is not None


def _block(library: bool, chunks: list[tuple[str, list[str]]]) -> Block:
    text = "\n".join(line for _, lines in chunks for line in lines)
    if not library:
        return Block(text)
    names = dict.fromkeys(
        found[1] if (found := _PACKAGE.search(file)) else "Python's own" for file, _ in chunks
    )
    return Block(text, len(chunks), ", ".join(names))


def _last_own(chunks: list[tuple[str, list[str]]]) -> tuple[str, str]:
    own = [lines for file, lines in chunks if file and not _is_library(file)]
    if not own:
        return "", ""
    frame = _FRAME.fullmatch(own[-1][0])
    if frame is None:
        return "", ""
    place = f"{frame['file']}:{frame['line']}"
    return f"{place} in {frame['function']}" if frame["function"] else place, " ".join(own[-1][1:2]).strip()
