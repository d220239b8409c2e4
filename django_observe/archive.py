"""What ended worker processes counted, in one file per kind of value: totals stay, files stay few.

The files are prometheus_client's own (`counter_<pid>.db`, `gauge_max_<pid>.db`, ...); the archive's pid is 0.
Readers and the one who merges exclude each other by a lock file, so that a scrape sees a process either alive
or archived.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

from django_observe import exemplars, killed, valuefiles
from django_observe.metricset import BOUNDED_LABELS
from django_observe.reporting import guard
from django_observe.valuefiles import Value
from django_observe.vocabulary import LabelValue

ARCHIVE_PID: Final = 0
LOCK_SECONDS: Final = 1.0
MAX_SAMPLES: Final = 20_000
"""Samples of one family in the archive: a thousand label sets of a histogram; later ones are folded."""

_FRESH: Final = ".tmp"
"""The archive as it will be; of no account without a journal."""

_JOURNAL: Final = ".journal"
"""Names the files that the new archive holds, from when it is complete until they are gone."""

Values: TypeAlias = dict[str, Value]


@contextmanager
def locked(directory: Path, *, alone: bool) -> Iterator[bool]:
    """Holds the directory's lock, shared or alone; False when it was not to be had in LOCK_SECONDS."""
    descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _lock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing frees it only once no child forked meanwhile has it
        os.close(descriptor)


def pids(directory: Path) -> set[int]:
    """The processes that have files in the directory, the archive aside."""
    found = {_pid(path) for path in directory.iterdir()}
    return {pid for pid in found if pid}


def bury(directory: Path, dead: set[int]) -> None:
    """Merges the files of `dead` processes into the archive and removes them; what was not delivered is lost.

    When the lock cannot be had they simply stay, and count, until the next burial.
    """
    with guard("archive"), locked(directory, alone=True) as held:
        if not held:
            return
        for journal in directory.glob(f"*{_JOURNAL}"):
            _finish(journal)
        gone: dict[str, list[Path]] = {}
        for path in directory.iterdir():
            if _pid(path) in dead:
                gone.setdefault(path.name.rpartition("_")[0], []).append(path)
        for path in gone.get("counter", ()):
            killed.account(path)
        marks = gone.pop(exemplars.PREFIX.rstrip("_"), [])
        exemplars.merge(marks, directory / f"{exemplars.PREFIX}{ARCHIVE_PID}.bin")
        for kind, paths in gone.items():
            _merge(directory, kind, paths)


def recover(directory: Path) -> None:
    """Ends the burial that a process was killed in; for scrapes, as no other need come."""
    if any(directory.glob(f"*{_JOURNAL}")):
        bury(directory, set())


def buried(directory: Path) -> set[str]:
    """Names of files whose values the archive has already, for those who could not get the lock."""
    journals = [path for path in directory.glob(f"*{_JOURNAL}") if not path.with_suffix(_FRESH).exists()]
    return {name for journal in journals for name in _names(journal)}


def _merge(directory: Path, kind: str, gone: list[Path]) -> None:
    """Adds files to the archive and removes them; both, or neither, whenever this process is killed."""
    target = directory / f"{kind}_{ARCHIVE_PID}.db"
    if _survives(kind):
        merged: Values = {}
        samples: Counter[str] = Counter()
        for path in [target, *gone] if target.exists() else gone:
            for key, value in valuefiles.read(path):
                with guard(valuefiles.PLACE):
                    _add(merged, samples, kind, key, value)
        _write(merged, target.with_suffix(_FRESH))
    journal, draft = target.with_suffix(_JOURNAL), target.with_suffix(".draft")
    draft.write_text("\n".join(path.name for path in gone))
    draft.replace(journal)
    _finish(journal)


def _finish(journal: Path) -> None:
    """Puts the new archive in place of the old and removes what is in it now."""
    with suppress(FileNotFoundError):
        journal.with_suffix(_FRESH).replace(journal.with_suffix(".db"))
    for name in _names(journal):
        (journal.parent / name).unlink(missing_ok=True)
    journal.unlink()


def _names(journal: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return journal.read_text().splitlines()
    return []


def _survives(kind: str) -> bool:
    """Whether values outlive their process: not those of live gauges, nor those labelled with the pid."""
    return not kind.startswith("gauge_live") and kind != "gauge_all"


def _add(merged: Values, samples: Counter[str], kind: str, key: str, value: Value) -> None:
    if key not in merged:
        family = valuefiles.key(key)[0]
        if samples[family] >= MAX_SAMPLES:
            key = _folded(key)
        samples[family] += 1
    before = merged.get(key)
    merged[key] = value if before is None else _combined(kind, before, value)


def _combined(kind: str, one: Value, other: Value) -> Value:
    if kind == "gauge_min":
        return min(one, other)
    if kind == "gauge_max":
        return max(one, other)
    if kind == "gauge_mostrecent":
        return max(one, other, key=lambda value: value[1])
    return one[0] + other[0], 0.0


def _folded(key: str) -> str:
    family, sample, labels, help_text = valuefiles.key(key)
    kept = {name: value if name in BOUNDED_LABELS else LabelValue.OTHER for name, value in labels.items()}
    return json.dumps([family, sample, kept, help_text], sort_keys=True)


def _write(values: Values, fresh: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    fresh.unlink(missing_ok=True)
    file = MmapedDict(str(fresh))  # type: ignore[no-untyped-call]
    for key, (value, timestamp) in values.items():
        file.write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
    file.close()  # type: ignore[no-untyped-call]


def _pid(path: Path) -> int | None:
    if path.suffix not in {".db", ".bin"}:
        return None
    digits = path.stem.rpartition("_")[2]
    return int(digits) if digits.isdigit() else None


def _lock(descriptor: int, kind: int) -> bool:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:  # noqa: PERF203 - each try is one
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        else:
            return True
