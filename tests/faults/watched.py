"""What the kernel says of processes over time, and whether it grows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from time import monotonic
from typing import Literal, NamedTuple

LIMITS = {"rss": 50.0, "threads": 0.2, "files": 0.2}
"""A minute that a process may grow by, with 95 % confidence: KB (70 MB a day), and numbers."""

PEAK = 16_384.0
"""KB by which it may exceed its least at any moment, whatever the receiver sends."""

_STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26, 10: 2.23}
"""Two-sided 95 % points of Student's t by degrees of freedom; beyond these about 2.2 and less."""


class Sample(NamedTuple):
    """One process at one moment."""

    at: float
    rss: float
    """KB of the process's own. Pages of files are left out: the kernel takes and returns them."""
    threads: int
    files: int


class Slope(NamedTuple):
    """Growth a minute, with the ends of the 95 % interval."""

    value: float
    low: float
    high: float


@dataclass
class Watched:
    """A process under watch."""

    name: str
    pid: int
    samples: list[Sample] = field(default_factory=list)

    def look(self) -> None:
        """Takes a sample, unless the process has ended."""
        folder = Path("/proc", str(self.pid))
        try:
            status = dict(
                line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
            )
            files = len(list((folder / "fd").iterdir()))
        except (FileNotFoundError, ProcessLookupError):
            return
        if "RssAnon" in status:  # a zombie has none
            rss = sum(float(status[name].split()[0]) for name in ("RssAnon", "VmSwap"))
            threads = int(status["Threads"])
            self.samples.append(Sample(monotonic(), rss, threads, files))

    def since(self, moment: float) -> list[Sample]:
        """The samples from that moment on."""
        return [sample for sample in self.samples if sample.at >= moment]


def children(pid: int) -> list[int]:
    """The processes that `pid` started, in order of their start."""
    text = "".join(path.read_text() for path in Path("/proc", str(pid), "task").glob("*/children"))
    return sorted(map(int, text.split()))


def slope(samples: Sequence[Sample], period: float, what: str = "rss") -> Slope:
    """How one of LIMITS grows, by least squares over the means of whole periods of `period` seconds.

    Samples that follow one another are alike, and the modes of a period are not: its mean is one observation.
    """
    first = samples[0].at
    groups: dict[int, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(int((sample.at - first) / period), []).append(sample)
    if (samples[-1].at - first) % period < 0.9 * period and len(groups) > 3:
        groups.popitem()  # not whole
    times = [fmean(sample.at for sample in group) / 60 for group in groups.values()]
    return fitted(times, [fmean(getattr(sample, what) for sample in group) for group in groups.values()])


def fitted(times: Sequence[float], sizes: Sequence[float]) -> Slope:
    """The line through points of time (minutes) and size; three at least."""
    middle, mean = fmean(times), fmean(sizes)
    spread = sum((time - middle) ** 2 for time in times)
    value = sum((time - middle) * (size - mean) for time, size in zip(times, sizes, strict=True)) / spread
    rest = sum((size - mean - value * (time - middle)) ** 2 for time, size in zip(times, sizes, strict=True))
    freedom = len(times) - 2
    margin = _STUDENT.get(freedom, 2.2) * math.sqrt(rest / freedom / spread)
    return Slope(value, value - margin, value + margin)


Verdict = Literal["flat", "grows", "unclear"]


def verdict(found: Slope, limit: float = LIMITS["rss"]) -> Verdict:
    """`flat`: with 95 % confidence it grows by less than `limit`; `grows`: else, and by more than nothing."""
    if found.high <= limit:
        return "flat"
    return "grows" if found.low > 0 else "unclear"


def verdicts(samples: Sequence[Sample], period: float) -> str:
    """`flat` where all is, else what is not."""
    found = {what: verdict(slope(samples, period, what), limit) for what, limit in LIMITS.items()}
    told = [f"{what} {growth}" for what, growth in found.items() if growth != "flat"]
    sizes = [sample.rss for sample in samples]
    return ", ".join([*told, "rss peaks"] if max(sizes) - min(sizes) > PEAK else told) or "flat"
