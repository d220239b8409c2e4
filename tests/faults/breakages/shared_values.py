"""What metrics could grow to, and what a file could cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def _make_series_without_end() -> None:
    from django_observe.collectors import Family

    def new(self: Family, values: tuple[str, ...]) -> Any:
        child = self._children[values] = self._collector.labels(*values)
        return child

    Family._new = new  # type: ignore[method-assign]


def _leave_the_files_of_the_dead() -> None:
    from django_observe import archive

    archive.bury = lambda *_: None


def _give_up_at_a_damaged_file() -> None:
    from prometheus_client.multiprocess import MultiProcessCollector

    from django_observe import valuefiles

    def families(directory: Path, ignored: object = ()) -> Any:
        return MultiProcessCollector.merge([str(path) for path in directory.glob("*.db")])  # type: ignore[no-untyped-call]

    valuefiles.families = families


BREAKAGES: dict[str, Callable[[], None]] = {
    "series are not bounded": _make_series_without_end,
    "the files of ended workers stay": _leave_the_files_of_the_dead,
    "one damaged file costs all": _give_up_at_a_damaged_file,
}
