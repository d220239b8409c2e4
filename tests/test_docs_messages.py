"""The examples of docs/how-to/messages.md do what it says, against a real Redis and Kafka's own format."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from redis import Redis

from django_observe import conf, continued, correlated, correlation_id
from django_observe.options import Settings
from tests.oneline.broker import redis as started_redis

PAGE = (Path(__file__).parents[1] / "docs/how-to/messages.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def example(part: str) -> dict[str, Any]:
    """What the one example with `part` defines."""
    [code] = [each for each in EXAMPLES if part in each]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own page
    return names


class Enough(Exception):  # noqa: N818 - it ends a loop
    pass


def noting(seen: list[Any], number: int) -> Callable[..., None]:
    """A piece of work that notes the ID, and ends its endless loop by raising the last time."""

    def work(*_: Any) -> None:
        seen.append(correlation_id())
        if len(seen) == number:
            raise Enough

    return work


@pytest.fixture(scope="module")
def redis() -> Iterator[Any]:
    with started_redis() as url, Redis.from_url(url) as client:
        yield client


def test_every_example_is_run_here() -> None:
    assert len(EXAMPLES) == 9


def test_an_event_of_a_stream(redis: Any) -> None:
    redis.xgroup_create("orders", "notifications", mkstream=True)
    order_created = example("def order_created")["order_created"]
    for number in range(2):
        with correlated(f"request-{number}"):
            order_created(redis, number)
    seen: list[str | None] = []
    with pytest.raises(Enough):
        example("xreadgroup")["consume"](redis, noting(seen, 2))
    assert seen == ["request-0", "request-1"]
    assert correlation_id() is None


class Topic:
    """Kafka's wire without the network: what is sent becomes a record batch, and is read from it."""

    def __init__(self) -> None:
        self._batch = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=65_536)

    def send(self, _topic: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        self._batch.append(timestamp=0, key=None, value=value, headers=headers)

    def __iter__(self) -> Iterator[Any]:
        self._batch.close()
        return iter(MemoryRecords(bytes(self._batch.buffer())).next_batch())


def test_a_record_of_kafka() -> None:
    names, topic = example("def publish"), Topic()
    for number in range(2):
        with correlated(f"request-{number}"):
            names["publish"](topic, b"order")
    seen: list[str | None] = []
    names["consume"](topic, noting(seen, 3))
    assert seen == ["request-0", "request-1"]


def test_a_message_of_sqs() -> None:
    names = example("StringValue")
    with correlated("request-0"):
        message = {"MessageAttributes": names["attributes"]()}
    with continued(names["carrier"](message)) as identifier:
        assert identifier == "request-0"


def test_a_call_by_grpc() -> None:
    client, server = example("intercept_channel")["channel"], example("server_interceptor")["server"]
    server.add_insecure_port("127.0.0.1:0")
    server.stop(None)
    assert callable(client.unary_unary("/shop.Inventory/reserve"))


def test_commands_that_serve() -> None:
    with override_settings(DJANGO_OBSERVE=example("COMMANDS_WITHOUT_ID")["DJANGO_OBSERVE"]):
        assert conf.settings().commands_without_id == (*Settings().commands_without_id, "mirror_orders")


def test_a_process(capfd: pytest.CaptureFixture[str]) -> None:
    with correlated("request-0"):
        code = "import os; print(os.environ['X_CORRELATION_ID'])"
        example("subprocess")["export"]([sys.executable, "-c", code])
    assert capfd.readouterr().out.strip() == "request-0"


def test_a_loop() -> None:
    seen: list[str | None] = []
    with pytest.raises(Enough):
        example("poll_for_ever")["poll_for_ever"](noting(seen, 3), seconds=0)
    assert len(set(seen)) == 3
    assert None not in seen
