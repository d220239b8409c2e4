"""What ended worker processes counted, in one file per kind of value: totals stay, files stay few.

The files are prometheus_client's own (`counter_<pid>.db`, `gauge_max_<pid>.db`, ...); the archive's pid is 0.
Readers and the one who merges exclude each other by a lock file, so that a scrape sees a process either alive
or archived.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeAlias

from django_observe import exemplars
from django_observe.metricset import BOUNDED_LABELS
from django_observe.reporting import guard
from django_observe.vocabulary import LabelValue

ARCHIVE_PID: Final = 0
LOCK_SECONDS: Final = 1.0
MAX_SAMPLES: Final = 20_000
"""Samples of one family in the archive: a thousand label sets of a histogram; later ones are folded."""

Value: TypeAlias = tuple[float, float]
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
    """Merges the files of `dead` processes into the archive and removes them.

    When the lock cannot be had they simply stay, and count, until the next burial.
    """
    with guard("archive"), locked(directory, alone=True) as held:
        if not held:
            return
        gone: dict[str, list[Path]] = {}
        for path in directory.iterdir():
            if _pid(path) in dead:
                gone.setdefault(path.name.rpartition("_")[0], []).append(path)
        marks = gone.pop(exemplars.PREFIX.rstrip("_"), [])
        exemplars.merge(marks, directory / f"{exemplars.PREFIX}{ARCHIVE_PID}.bin")
        for kind, paths in gone.items():
            _merge(directory, kind, paths)


def readable(path: Path) -> bool:
    """Whether a value file can be read to its end; one that cannot is counted as an internal failure."""
    with guard("multiprocess_file"):
        for _ in _read(path):
            pass
        return True
    return False


def _merge(directory: Path, kind: str, gone: list[Path]) -> None:
    if _survives(kind):
        target = directory / f"{kind}_{ARCHIVE_PID}.db"
        merged: Values = {}
        samples: Counter[str] = Counter()
        for path in [target, *gone]:
            with suppress(OSError, RuntimeError, ValueError, struct.error):
                for key, value in _read(path):
                    _add(merged, samples, kind, key, value)
        _write(merged, target)
    for path in gone:
        path.unlink(missing_ok=True)


def _survives(kind: str) -> bool:
    """Whether values outlive their process: not those of live gauges, nor those labelled with the pid."""
    return not kind.startswith("gauge_live") and kind != "gauge_all"


def _add(merged: Values, samples: Counter[str], kind: str, key: str, value: Value) -> None:
    if key not in merged:
        family = json.loads(key)[0]
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
    family, sample, labels, help_text = json.loads(key)
    kept = {name: value if name in BOUNDED_LABELS else LabelValue.OTHER for name, value in labels.items()}
    return json.dumps([family, sample, kept, help_text], sort_keys=True)


def _read(path: Path) -> Iterator[tuple[str, Value]]:
    from prometheus_client.mmap_dict import MmapedDict

    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
        yield key, (value, timestamp)


def _write(values: Values, target: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    fresh = target.with_suffix(".tmp")
    fresh.unlink(missing_ok=True)
    file = MmapedDict(str(fresh))  # type: ignore[no-untyped-call]
    for key, (value, timestamp) in values.items():
        file.write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
    file.close()  # type: ignore[no-untyped-call]
    fresh.replace(target)


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
