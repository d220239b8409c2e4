"""Exemplars: the newest traced observation of each histogram bucket, in one process or in several.

prometheus_client drops exemplars as soon as several processes share their values, so they are kept beside
them: in memory, or in one small memory-mapped file per process next to its value files, merged when the page
is read.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

INTERVAL_SECONDS: Final = 1.0
"""A bucket takes at most one exemplar in this time: scrapes are many times further apart."""

FILE_BYTES: Final = 1 << 18
"""Room for some 1,200 exemplars per process; when it is full, further buckets have none."""

PREFIX: Final = "exemplars_"
_USED = struct.Struct("<I")
_LENGTH = struct.Struct("<I")
_BODY = struct.Struct("<dd16s")
_MARK = struct.Struct("<dd16sI")


@dataclass(frozen=True, slots=True)
class Mark:
    """An observation that can be looked up: its value, its trace, and when it was (Unix time)."""

    value: float
    at: float
    trace_id: str


class Store(Protocol):
    """Where a process keeps its marks, by bucket key."""

    def put(self, key: bytes, mark: Mark) -> None:
        """Keeps `mark` in place of the one before."""


class Series:
    """The buckets of one histogram child, each with its newest mark."""

    __slots__ = ("_bounds", "_keys", "_labels", "_name", "_offered")

    def __init__(self, name: str, labels: dict[str, str], bounds: tuple[float, ...]) -> None:
        self._name = name
        self._labels = labels
        self._bounds = bounds
        self._offered = [0.0] * len(bounds)
        self._keys: dict[int, bytes] = {}

    def offer(self, bucket: int, value: float, trace_id: str, now: float) -> None:
        """Keeps the observation as its bucket's exemplar, unless the bucket has had one just now."""
        if -INTERVAL_SECONDS < now - self._offered[bucket] < INTERVAL_SECONDS:
            return
        self._offered[bucket] = now
        _store().put(self._key(bucket), Mark(value, now, trace_id))

    def _key(self, bucket: int) -> bytes:
        key = self._keys.get(bucket)
        if key is None:
            from prometheus_client.utils import floatToGoString

            le = floatToGoString(self._bounds[bucket])  # type: ignore[no-untyped-call]
            key = self._keys[bucket] = key_of(f"{self._name}_bucket", {**self._labels, "le": le})
        return key


def key_of(sample: str, labels: dict[str, str]) -> bytes:
    """The key of a bucket: the exposed sample and its labels."""
    return json.dumps([sample, labels], sort_keys=True).encode()


class Memory:
    """The marks of a process that is alone."""

    def __init__(self) -> None:
        self.marks: dict[bytes, Mark] = {}

    def put(self, key: bytes, mark: Mark) -> None:
        """Keeps `mark` in place of the one before."""
        self.marks[key] = mark


class File:
    """The marks of one of several processes: a file it alone writes and any of them may read at any time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):  # a full disk is an error now, not a SIGBUS later
                os.posix_fallocate(descriptor, 0, FILE_BYTES)
            else:
                os.ftruncate(descriptor, FILE_BYTES)
            self._map = mmap.mmap(descriptor, FILE_BYTES)
        finally:
            os.close(descriptor)
        self._used = _USED.unpack_from(self._map)[0] or _USED.size
        self._places: dict[bytes, int] = {}

    def put(self, key: bytes, mark: Mark) -> None:
        """Keeps `mark` in place of the one before; does nothing when the file is full."""
        body = _BODY.pack(mark.value, mark.at, bytes.fromhex(mark.trace_id))
        data = body + zlib.crc32(body).to_bytes(4, "little")
        with self._lock:
            place = self._places.get(key)
            if place is not None:
                self._map[place : place + _MARK.size] = data
                return
            entry = _LENGTH.pack(len(key)) + key + data
            if self._used + len(entry) > FILE_BYTES:
                return
            self._map[self._used : self._used + len(entry)] = entry
            self._used += len(entry)
            self._places[key] = self._used - _MARK.size
            self._map[: _USED.size] = _USED.pack(self._used)

    def close(self) -> None:
        """Lets go of the mapping."""
        self._map.close()


def read(paths: Iterable[Path]) -> dict[bytes, Mark]:
    """The newest mark of each bucket over `paths`; of a damaged file, what it still says."""
    marks: dict[bytes, Mark] = {}
    for path in paths:
        with suppress(OSError, struct.error):
            for key, mark in _entries(path.read_bytes()):
                if key not in marks or marks[key].at < mark.at:
                    marks[key] = mark
    return marks


def merge(paths: Iterable[Path], archive: Path) -> None:
    """Moves the marks of ended processes into `archive`; the caller holds the directory's lock."""
    gone = list(paths)
    if not gone:
        return
    fresh = archive.with_suffix(".tmp")
    fresh.unlink(missing_ok=True)
    with closing(File(fresh)) as store:
        for key, mark in read([archive, *gone]).items():
            store.put(key, mark)
    fresh.replace(archive)
    for path in gone:
        path.unlink(missing_ok=True)


def newest(directory: Path | None) -> dict[bytes, Mark]:
    """The marks of this process, or of every process that shares `directory`."""
    if directory is None:
        return dict(_memory.marks)
    return read(directory.glob(f"{PREFIX}*.bin"))


def _entries(data: bytes) -> Iterator[tuple[bytes, Mark]]:
    used = min(_USED.unpack_from(data)[0], len(data))
    place = _USED.size
    while place < used:
        (length,) = _LENGTH.unpack_from(data, place)
        key = data[place + _LENGTH.size : place + _LENGTH.size + length]
        place += _LENGTH.size + length
        value, at, trace_id, checksum = _MARK.unpack_from(data, place)
        if zlib.crc32(data[place : place + _BODY.size]) == checksum:  # else: read while it was being written
            yield key, Mark(value, at, trace_id.hex())
        place += _MARK.size


_memory = Memory()
_files: dict[tuple[int, str], File] = {}


def _store() -> Store:
    from django_observe import multiprocess

    directory = multiprocess.directory()
    if directory is None:
        return _memory
    place = (os.getpid(), str(directory))  # a child that was forked gets a file, and a lock, of its own
    file = _files.get(place)
    if file is None:
        _files.clear()
        file = _files[place] = File(directory / f"{PREFIX}{place[0]}.bin")
    return file
