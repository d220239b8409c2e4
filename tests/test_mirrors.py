"""What is mirrored into metrics is mirrored once, whoever comes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from django_observe import metrics, mirrors


@pytest.fixture(autouse=True)
def _unbound() -> Iterator[None]:
    metrics.reset()
    yield
    metrics.reset()


def test_threads_that_come_first_together_bind_one_set_of_mirrors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sets would each count the whole ledger: once by a scrape, once by the requests beside it."""
    both_make_one = threading.Barrier(2)
    made = []

    class Slow(mirrors.Mirrors):
        def __init__(self) -> None:
            with suppress(threading.BrokenBarrierError):
                both_make_one.wait(timeout=0.3)
            made.append(self)
            super().__init__()

    monkeypatch.setattr(mirrors, "Mirrors", Slow)
    with ThreadPoolExecutor(2) as threads:
        for first in [threads.submit(metrics.mirror) for _ in range(2)]:
            first.result()
    assert len(made) == 1
