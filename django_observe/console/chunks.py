"""Bodies in chunks, as Node's exporters send them: read within the same bounds as those of a told length.

https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding
"""

from __future__ import annotations

import re
from typing import BinaryIO, Final

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(;[^\r\n]*)?\r\n")
_LINE_BYTES: Final = 1024
_TRAILERS: Final = 32
_PIECE_BYTES: Final = 65_536


class ChunkError(ValueError):
    """What arrived is not a chunked body, or ended within one: where the next request begins is unknown."""


def read(stream: BinaryIO, most: int, drained: int) -> tuple[bytes, int]:
    """(the body, its length). Beyond `most` bytes only the length counts, beyond `drained` it is an error."""
    body = bytearray()
    length = 0
    while size := _size(stream):
        length += size
        if length > drained:
            raise ChunkError(f"more than {drained} bytes")
        _take(stream, size, body if length <= most else None)
        if stream.readline(_LINE_BYTES) != b"\r\n":
            raise ChunkError("a chunk is longer than its size")
    for _ in range(_TRAILERS):
        if stream.readline(_LINE_BYTES) == b"\r\n":
            return bytes(body), length
    raise ChunkError("the body has no end")


def _size(stream: BinaryIO) -> int:
    matched = _SIZE.fullmatch(stream.readline(_LINE_BYTES))
    if not matched:
        raise ChunkError("a chunk has no size")
    return int(matched[1], 16)


def _take(stream: BinaryIO, size: int, body: bytearray | None) -> None:
    while size:
        piece = stream.read(min(size, _PIECE_BYTES))
        if not piece:
            raise ChunkError("the body ended within a chunk")
        size -= len(piece)
        if body is not None:
            body += piece
