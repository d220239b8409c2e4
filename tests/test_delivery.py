"""The pipeline and its books from within: interruptions, bounds, what is encoded while the worker waits."""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from types import FrameType
from typing import Any

import pytest

from django_observe import notice
from django_observe.delivery import Pipeline
from django_observe.ledger import DropReason, Ledger
from django_observe.route import Limits, Outcome, Route
from tests.processes import wait_until
from tests.runningthreads import threads

LIMITS = Limits(queue=1_000, batch=100, delay=0.01)


class Sink:
    """A receiver in this process: what it answers can be held back, and changed."""

    def __init__(self, verdict: Outcome) -> None:
        self.timeout = 10.0
        self.verdict = verdict
        self.open = threading.Event()
        self.open.set()
        self.taken: list[bytes] = []
        self.seconds = 0.0

    def post(self, body: bytes, seconds: float) -> Outcome:
        self.seconds = seconds
        self.open.wait(seconds)
        self.taken.append(body)
        return self.verdict


def joined(records: Sequence[Any]) -> bytes:
    return b"".join(records)


@contextmanager
def pipeline_to(sink: Sink, limits: Limits = LIMITS, **more: Callable[[], None]) -> Iterator[Pipeline]:
    made = Pipeline(Route("traces", joined, lambda: sink, **more), limits, lambda: None, lambda: None)
    try:
        yield made
    finally:
        sink.open.set()
        made.hurry(monotonic())
        made.closed(monotonic())


class StruckError(Exception):
    """What a signal's handler raises, as Celery's for a soft time limit does."""


@contextmanager
def striking(seconds: float) -> Iterator[None]:
    """Once, wherever in `offer` the main thread is: elsewhere it would strike the test itself.

    So it would in pytest's hook, which is told there and then of an interrupted `Thread.start`. A second one
    at the first one's heels costs a `with` of Python 3.10 its `__exit__`, be it whose it may.
    """
    is_due = True

    def strike(_number: int, frame: FrameType | None) -> None:
        nonlocal is_due
        while is_due and frame is not None and frame.f_code.co_name != "unraisable_hook":
            if frame.f_code is Pipeline.offer.__code__:
                is_due = False
                raise StruckError
            frame = frame.f_back

    before = signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exception_between_any_two_lines_unbalances_nothing() -> None:
    """What was offered without interruption is in the books, and the queue empties in the end.

    An interrupted `Thread.start` may leave a thread that ends with a KeyError of Python's own.
    """
    sink = Sink(Outcome("exported"))
    offered = struck = 0
    with pipeline_to(sink) as pipeline:
        until = monotonic() + 2
        while monotonic() < until:
            with suppress(StruckError), striking(0.0003):
                enough = monotonic() + 0.05  # Python tells nobody of what it cannot raise, as in a destructor
                try:
                    while monotonic() < enough:
                        pipeline.offer(b"x", 1)
                        offered += 1
                except StruckError:
                    struck += 1
        assert struck > 100
        wait_until(lambda: not pipeline.ledger().queued, "an empty queue")
        ledger = pipeline.ledger()
    assert ledger.accepted == ledger.exported + ledger.lost
    assert offered <= ledger.accepted <= offered + struck + 1
    assert ledger.exported == len(b"".join(sink.taken))


def test_nor_does_one_between_two_instructions() -> None:
    """Struck at each step of one `offer` in turn, by the tracer."""
    sink, before = Sink(Outcome("exported")), threads()
    steps = 0
    with pipeline_to(sink) as pipeline:
        while interrupted(lambda: pipeline.offer(b"x", 1), steps):
            ledger = pipeline.ledger()
            assert ledger.accepted == ledger.exported + ledger.lost + ledger.queued
            steps += 1
        assert steps > 20
        pipeline.offer(b"last", 1)
        wait_until(lambda: b"last" in b"".join(sink.taken), "the last record")
        assert pipeline.ledger().queued == 0
        assert pipeline.ledger().exported == len(b"".join(sink.taken)) - len(b"last") + 1
    names = [thread.name for thread in threads() - before]
    assert names.count("django_observe.traces") <= 1, "an interrupted start left a worker behind"


def interrupted(call: Callable[[], None], step: int) -> bool:
    """Calls, and raises at the given instruction of this package's code; False: there are fewer."""
    count = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        if "django_observe" not in frame.f_code.co_filename or frame.f_code.co_name in ("_run", "__init__"):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
            if count == step + 1:
                raise StruckError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except StruckError:
        return True
    finally:
        sys.settrace(before)
    return False


def test_the_queue_is_bounded_in_bytes() -> None:
    sink = Sink(Outcome("retry"))
    with pipeline_to(sink, Limits(queue=1_000, batch=10, delay=0.01, bytes=10_000)) as pipeline:
        for _ in range(100):
            pipeline.offer(b"x" * 1_000, 1_000)
        ledger = pipeline.ledger()
        assert (ledger.accepted, ledger.queued) == (100, 10)
        assert ledger.dropped == {DropReason.QUEUE_FULL: 90}
        assert pipeline.refuses() is False
        pipeline.offer(b"small", 5)
        assert pipeline.ledger().dropped[DropReason.QUEUE_FULL] == 91


def test_what_waits_for_a_receiver_that_hangs_waits_encoded() -> None:
    sink = Sink(Outcome("exported"))
    sink.open.clear()
    with pipeline_to(sink) as pipeline:
        pipeline.offer(b"first", 5)
        wait_until(lambda: pipeline._sending and pipeline._buffer.first, "a request that hangs")
        for _ in range(950):
            pipeline.offer(b"x", 1)
        wait_until(lambda: pipeline._buffer.waiting < LIMITS.batch, "records to be encoded")
        assert pipeline.ledger().queued == 951
        sink.open.set()
        wait_until(lambda: not pipeline.ledger().queued, "an empty queue")
        assert b"".join(sink.taken) == b"first" + b"x" * 950, "each record once"


def test_a_slow_preparation_is_the_workers_alone() -> None:
    ready = threading.Event()
    sink = Sink(Outcome("exported"))

    def prepare() -> None:
        ready.wait(10)

    with pipeline_to(sink, prepare=prepare) as pipeline:
        started = monotonic()
        pipeline.offer(b"x", 1)
        assert monotonic() - started < 5
        assert not sink.taken
        ready.set()
        wait_until(lambda: sink.taken, "the record")


def test_the_last_count_is_told_to_an_idle_service(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told of 1 at once, it hears of the other 49 when the interval is over, without another record."""
    monkeypatch.setattr(notice, "NOTICE_SECONDS", 0.5)
    sink = Sink(Outcome("refused", why="HTTP 400"))
    with pipeline_to(sink) as pipeline:
        pipeline.offer(b"x", 1)
        told = ""

        def lines() -> list[str]:
            nonlocal told
            told += capsys.readouterr().err
            return told.splitlines()

        wait_until(lines, "the first line")
        for _ in range(49):
            pipeline.offer(b"x", 1)
        wait_until(lambda: not pipeline.ledger().queued, "an empty queue")
        wait_until(
            lambda: any("50 of 50 records lost (refused 50), 0 queued" in line for line in lines()), told, 5
        )
    assert len(lines()) <= 3


def test_books_after_the_end_stay_balanced() -> None:
    sink = Sink(Outcome("retry"))
    with pipeline_to(sink) as pipeline:
        for _ in range(7):
            pipeline.offer(b"x", 1)
        assert not pipeline.closed(monotonic())
        pipeline.offer(b"late", 4)
        assert pipeline.ledger() == Ledger(8, 0, {DropReason.SHUTDOWN: 8}, 0)
        assert pipeline.closed(monotonic() + 5), "again: nothing is left, nothing is waited for"


class Unwritable(io.TextIOBase):
    """What a project may put in the place of stderr."""

    def write(self, _text: str) -> int:
        raise RuntimeError


def test_a_stderr_that_raises_does_not_end_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Unwritable())
    sink = Sink(Outcome("refused", why="HTTP 400"))
    with pipeline_to(sink) as pipeline:
        pipeline.offer(b"x", 1)
        wait_until(lambda: pipeline.ledger().lost, "a loss to tell")
        sink.verdict = Outcome("exported")
        pipeline.offer(b"x", 1)
        wait_until(lambda: pipeline.ledger().exported, "the next record")
        assert pipeline.closed(monotonic() + 5)


class Ending(Sink):
    """Ends the first thread that sends, as a plug-in that calls `sys.exit` would."""

    def post(self, body: bytes, seconds: float) -> Outcome:
        if not self.open.is_set():
            self.open.set()
            raise SystemExit
        return super().post(body, seconds)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_died_is_replaced() -> None:
    sink = Ending(Outcome("exported"))
    sink.open.clear()
    with pipeline_to(sink) as pipeline:
        pipeline.offer(b"first", 5)
        wait_until(lambda: sink.open.is_set() and pipeline._worker is None, "its death")
        for _ in range(LIMITS.batch):
            pipeline.offer(b"x", 1)
        wait_until(lambda: not pipeline.ledger().queued, "an empty queue")
        assert b"".join(sink.taken) == b"first" + b"x" * LIMITS.batch


def test_an_interrupted_flush_leaves_no_hurry_behind() -> None:
    """Nor does one whose `flushed` is never asked, as `hasten`: records share their requests as before."""
    sink = Sink(Outcome("exported"))
    with pipeline_to(sink, Limits(delay=0.3)) as pipeline:
        pipeline.hurry()
        assert pipeline.flushed(pipeline.hurry(), monotonic() + 5)
        for _ in range(20):
            pipeline.offer(b"x", 1)
            sleep(0.005)
        wait_until(lambda: not pipeline.ledger().queued, "an empty queue")
        assert len(sink.taken) <= 2


def test_who_did_not_leave_has_the_whole_timeout_again() -> None:
    sink = Sink(Outcome("exported"))
    with pipeline_to(sink) as pipeline:
        pipeline.hurry(monotonic())
        pipeline.offer(b"x", 1)
        wait_until(lambda: sink.taken, "the record")
        assert sink.seconds == sink.timeout


def test_flush_says_no_after_an_end_that_lost_something() -> None:
    sink = Sink(Outcome("retry"))
    with pipeline_to(sink) as pipeline:
        pipeline.closed(monotonic())
        assert pipeline.flushed(pipeline.hurry(), monotonic()), "nothing came"
        pipeline.offer(b"late", 4)
        assert not pipeline.flushed(pipeline.hurry(), monotonic())
