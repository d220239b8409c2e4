"""One console for all tests that do not need their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.bench import Bench
from tests.console.order import Order
from tests.console.running import Console, running


@pytest.fixture(scope="session")
def console() -> Iterator[Console]:
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def order(console: Console) -> Order:
    """The story of one order, delivered."""
    told = Order()
    for path, body in told.requests():
        console.send(path, body)
    return told


@pytest.fixture
def bench() -> Iterator[Bench]:
    opened = Bench()
    yield opened
    opened.close()
