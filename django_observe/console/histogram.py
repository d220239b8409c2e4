"""Durations counted in logarithmic buckets, so that percentiles of any stretch of time come from adding up.

Four buckets to a power of two: each is 19 % wider than the one before. 128 reach from 1 µs to 73 min.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
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


def quantile(counts: Counter[int], share: float) -> float:
    """Nanoseconds below which `share` (0 to 1) of the durations lie, at most 19 % too many; 0 of none."""
    left = math.ceil(share * counts.total())
    for bucket in sorted(counts):
        left -= counts[bucket]
        if left <= 0:
            return float(2 ** (_FIRST_OCTAVE + (bucket + 1) / _PER_OCTAVE))
    return 0.0
