"""Who holds a TCP port, as far as Linux' /proc tells the current user."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_LISTEN: Final = "0A"


def describe_holder(port: int) -> str:
    """Text such as `by pid 123 (python)` with a blank before it; empty when it cannot be known."""
    inodes = set(_listening_inodes(port))
    if not inodes:
        return ""
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) in inodes for link in (folder / "fd").iterdir()):
                return f" by pid {folder.name} ({(folder / 'comm').read_text().strip()})"
    return ""


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{fields[9]}]"
