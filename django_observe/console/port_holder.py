"""Who holds a TCP port, as far as Linux' /proc tells the current user."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_LISTEN: Final = "0A"


def describe_holder(host: str, port: int) -> str:
    """Text such as `by pid 123 (python)` with a blank before it; empty when it cannot be known."""
    # A socket of IPv6 may hold the port for IPv4 as well, not the other way round.
    tables = ("tcp6",) if ":" in host else ("tcp", "tcp6")
    return next(filter(None, (_holder(set(_listening_inodes(table, port))) for table in tables)), "")


def _holder(inodes: set[str]) -> str:
    for folder in _PROC.glob("[0-9]*") if inodes else ():
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) in inodes for link in (folder / "fd").iterdir()):
                return f" by pid {folder.name} ({(folder / 'comm').read_text().strip()})"
    return ""


def _listening_inodes(table: str, port: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"
