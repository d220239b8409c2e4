"""The switches of one service in one small file, which all its processes read: web workers, task workers."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from demo_services.faults.switches import Values


class Switchfile:
    """Read at the cost of one stat() while nothing changes; replaced when written, so never half there."""

    def __init__(self, folder: Path, instance: str) -> None:
        self.path = folder / f"{instance}.json"
        self._seen: tuple[int, int] | None = None
        self._values: Values | None = None

    def read(self) -> Values | None:
        """The switches that are on, or None as long as nobody has set any."""
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
            if seen != self._seen:
                self._values = _object(self.path.read_text())
                self._seen = seen
        except FileNotFoundError:
            self._seen = self._values = None
        return self._values

    def write(self, values: Values) -> None:
        """Keep these switches; those that are off (0, [], "") are left out."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self.path.parent, prefix=".", delete=False) as draft:
            json.dump({key: value for key, value in values.items() if value}, draft)
        os.replace(draft.name, self.path)  # noqa: PTH105 (replaces in one step, which is the point)


def _object(text: str) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise TypeError(f"the switch file holds {text[:100]!r}, not a JSON object")
    return values
