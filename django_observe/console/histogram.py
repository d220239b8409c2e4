"""Durations counted in logarithmic buckets, so that percentiles of any stretch of time come from adding up.

Four buckets to a power of two: each is 19 % wider than the one before. 128 reach from 1 µs to 73 min.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable
from typing import Final

BUCKETS: Final = 128
_PER_OCTAVE: Final = 4
_FIRST_OCTAVE: Final = 10  # 2**10 ns
_PAIR: Final = struct.Struct("<BI")


def bucket_of(ns: int) -> int:
    """The bucket of a duration; what is shorter or longer than all of them falls into the first or last."""
    if ns <= 0:
        return 0
    return min(max(int((math.log2(ns) - _FIRST_OCTAVE) * _PER_OCTAVE), 0), BUCKETS - 1)


def encode(counts: Counter[int]) -> bytes:
    """Pairs of a bucket (1 byte) and its count (4 bytes, little endian); empty buckets are left out."""
    return b"".join(_PAIR.pack(bucket, count) for bucket, count in sorted(counts.items()) if count > 0)


def decode(blob: bytes) -> Counter[int]:
    """What `encode` wrote."""
    return Counter(dict(_PAIR.iter_unpack(blob)))


def merge(blobs: Iterable[bytes]) -> Counter[int]:
    """All durations of several `encode`d histograms."""
    counts = [0] * 256
    for bucket, count in _PAIR.iter_unpack(b"".join(blobs)):
        counts[bucket] += count
    return Counter({bucket: count for bucket, count in enumerate(counts) if count})


def quantile(counts: Counter[int], share: float, total_ns: int = 0) -> float:
    """Nanoseconds below which `share` (0 to 1) of the durations lie, at most 19 % off; 0 of none.

    Within a bucket durations are taken to lie at equal ratios; if all are in one and their sum is known,
    it is their mean: that of a single one is exact.
    """
    if len(counts) == 1 and total_ns:
        return total_ns / counts.total()
    left = math.ceil(share * counts.total())
    for bucket in sorted(counts):
        if left <= counts[bucket]:
            part = (max(left, 1) - 0.5) / counts[bucket]
            return float(2 ** (_FIRST_OCTAVE + (bucket + part) / _PER_OCTAVE))
        left -= counts[bucket]
    return 0.0
