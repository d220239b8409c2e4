"""What delivery could do wrong: lose, count, tell, wait."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from django_observe.delivery import Pipeline
from django_observe.ledger import Account, DropReason


def _count_no_loss() -> None:
    Account.turn_away = lambda *_: None  # type: ignore[method-assign]


def _tell_each_loss() -> None:
    from django_observe.notice import Notice

    tell = Notice.tell

    def at_once(self: Notice, *told: Any, **how: Any) -> None:
        self._next = 0.0
        tell(self, *told, **how)

    Notice.tell = at_once  # type: ignore[method-assign]


def _export_in_the_callers_thread() -> None:
    from django_observe.otlphttp import Receiver

    offer = Pipeline.offer

    def wait(self: Pipeline, record: object, size: int = 0) -> None:
        offer(self, record, size)
        if not self.ledger().accepted % 50:
            Receiver(self.route.signal).post(self.route.encode([record]), 0.3)

    Pipeline.offer = wait  # type: ignore[method-assign]


def _bound_nothing_in_bytes() -> None:
    from django_observe import export, route, spansize

    spansize.MAX_SPAN = 2**40
    export.limits = lambda signal: replace(route.limits(signal), bytes=2**40)  # type: ignore[attr-defined]


def _take_a_redirect_for_success() -> None:
    from django_observe import otlphttp

    otlphttp._SUCCESSES = range(200, 400)


def _ignore_what_was_rejected() -> None:
    from django_observe import otlphttp

    otlphttp._rejected = lambda content: 0


def _wait_for_each_byte_anew() -> None:
    from django_observe import timedconnection

    timedconnection._limit = lambda connection: None


def _wait_for_stderr() -> None:
    from django_observe import notice

    notice._written = os.write  # type: ignore[assignment]


def _wait_for_others_for_long() -> None:
    from django_observe import export, route

    vars(export)["limits"] = lambda signal: replace(route.limits(signal), delay=30.0)


def _say_that_all_was_taken() -> None:
    from django_observe import export

    export.flush = lambda timeout: True


def _drop_a_batch_for_one_record() -> None:
    from django_observe import batch, delivery

    def at_once(encode: Callable[[Any], bytes], records: Any) -> Iterator[batch.Batch]:
        found = list(batch.encoded(encode, records))
        lost = batch.Batch(b"", len(records), DropReason.ENCODE)
        yield from found if len(found) == 1 else [lost]

    vars(delivery)["encoded"] = at_once


def _write_to_pipes_as_to_files() -> None:
    from django_observe import backlog

    backlog.pipe_of = lambda stream: None


BREAKAGES: dict[str, Callable[[], None]] = {
    "a record that is turned away is not counted": _count_no_loss,
    "each loss is told": _tell_each_loss,
    "a request exports by itself": _export_in_the_callers_thread,
    "nothing is bounded in bytes": _bound_nothing_in_bytes,
    "a redirect is success": _take_a_redirect_for_success,
    "what was rejected is ignored": _ignore_what_was_rejected,
    "each byte of an answer may take its time": _wait_for_each_byte_anew,
    "the notice waits for stderr": _wait_for_stderr,
    "records wait half a minute for others": _wait_for_others_for_long,
    "flush() always says yes": _say_that_all_was_taken,
    "a record that cannot be encoded costs its batch": _drop_a_batch_for_one_record,
    "a line waits for the reader of stdout": _write_to_pipes_as_to_files,
}
