"""Kombu's filesystem transport, of which no process ever reads half a file.

Kombu 5.7 creates a message's file before it writes it, and a consumer that takes it in between ends by a
JSONDecodeError; a table of bindings is as empty for a moment. Here a file has its name when it is whole.
"""

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from time import monotonic_ns
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """A channel whose messages appear and are taken by renaming, which one process alone can do."""

    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        """Bind, one at a time: kombu notes a binding for all threads before it has written it for them."""
        with (self.control_folder / "lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            super().queue_bind(*args, **kwargs)

    def _queue_bind(self, exchange: str, *binding: Any) -> None:
        table = self.control_folder / f"{exchange}.exchange"
        if not table.exists():
            with _whole(self.control_folder, "[]") as empty:
                empty.rename(table)
        super()._queue_bind(exchange, *binding)

    def _put(  # type: ignore[override]  # kombu's two classes above differ in the name as well
        self, queue: str, payload: Any, **_: Any
    ) -> None:
        folder = Path(self.data_folder_out)
        name = f"{monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg"
        try:
            with _whole(folder, dumps(payload)) as written:
                written.rename(folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot add {name!r} to {folder}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002
        folder = Path(self.data_folder_in)
        for name in sorted(path.name for path in folder.iterdir()):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = folder / f"{name}.taken"
            with suppress(FileNotFoundError):  # another consumer was quicker
                (folder / name).rename(taken)
                payload = taken.read_text()
                taken.unlink()
                return loads(payload)
        raise Empty


class Transport(filesystem.Transport):
    """The transport of these channels; in all else, its name included, it is kombu's."""

    Channel = Channel


def installed(folder: Path) -> dict[str, Any]:
    """Let `filesystem://` be this transport in this process; the options of a broker in `folder`."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:{Transport.__name__}"
    for name in ("queue", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
    }


@contextmanager
def _whole(folder: Path, text: str) -> Iterator[Path]:
    """A file of this text under a name that no consumer looks at; gone afterwards, unless renamed."""
    path = folder / f"{uuid.uuid4()}.part"
    try:
        path.write_text(text)
        yield path
    finally:
        path.unlink(missing_ok=True)
