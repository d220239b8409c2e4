"""SIGKILL: what is lost is little, and counted."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families as parse

from tests.faults.endings import measured
from tests.faults.guarantees import guarantee
from tests.faults.programs import gunicorn
from tests.faults.receivers import receiver
from tests.faults.test_life import Worker
from tests.faults.watched import children
from tests.oneline.broker import redis
from tests.processes import Process, get

SCHEDULE = 1.0
"""Seconds that a record waits for others at most (OTEL_BSP_SCHEDULE_DELAY, as the kit has it)."""
MARGIN = 1.0
"""For the sending itself, on a busy machine."""


USUAL = {"OTEL_BSP_SCHEDULE_DELAY": "1000", "OTEL_BLRP_SCHEDULE_DELAY": "1000"}


def books(url: str) -> dict[tuple[str, ...], float]:
    """What the page says of delivery, by family and signal; losses by their reason, too."""
    page = get(f"{url}/metrics").text
    samples = [sample for family in parse(page) for sample in family.samples]
    return {
        (
            each.name.removeprefix("observe_telemetry_").removesuffix("_total"),
            each.labels["signal"],
            *filter(None, [each.labels.get("reason")]),
        ): each.value
        for each in samples
        if each.name.startswith("observe_telemetry_")
    }


def kill(process: Process, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    process.wait_for_line(f"Worker (pid:{pid}) was sent SIGKILL")


@guarantee("life", "What a killed worker had queued is counted as killed, on /metrics and on stderr")
def test_what_a_killed_worker_took_with_it_is_counted() -> None:
    with receiver("hang") as collector, gunicorn(collector, "--preload", **USUAL) as (process, url):
        pid = int(get(f"{url}/").text)
        for _ in range(30):
            get(f"{url}/busy/")
        before = books(url)  # which brings the books up to date
        assert before["accepted", "traces"] == 30 * 4 + 1
        assert before["accepted", "logs"] == 30 * 6 + 1
        kill(process, pid)
        after = books(url)  # of the next worker, which starts when the dead one is buried
        assert after.get(("dropped", "traces", "killed")) == 121
        assert after.get(("dropped", "logs", "killed")) == 181
        told = process.wait_for_line(f"process {pid} ended without delivering")
        assert re.search("logs 181, traces 121$", told)
        for name in ("traces", "logs"):
            dropped = sum(value for key, value in after.items() if key[:2] == ("dropped", name))
            queued, exported = after.get(("queued", name), 0), after.get(("exported", name), 0)
            assert after["accepted", name] == exported + dropped + queued


@guarantee("life", "A killed worker loses what it did in the last schedule delay of 1 s and the sending")
def test_the_loss_is_bounded_by_one_schedule_delay(record_property: Callable[[str, object], None]) -> None:
    lost = measured(seconds_lost, SCHEDULE + MARGIN)
    record_property("measured", f"the last {lost:.1f} s")
    assert lost <= SCHEDULE + MARGIN


def seconds_lost() -> float:
    """How long before its end a busy worker did the first of what did not arrive."""
    with receiver("ok") as collector, gunicorn(collector, **USUAL) as (process, url):
        pid = int(get(f"{url}/").text)
        done: list[float] = []
        until = time.monotonic() + 2 * SCHEDULE + MARGIN
        while time.monotonic() < until:
            done.append(time.monotonic())
            get(f"{url}/items/{len(done)}/")
            time.sleep(0.02)
        killed = time.monotonic()
        kill(process, pid)
        spans = {each.attributes["url.path"] for each in collector.spans()}
        told = {each.attributes.get("path") for each in collector.logs()}
        lost = [at for number, at in enumerate(done, 1) if f"/items/{number}/" not in spans & told]
        assert len(lost) < len(done)
        assert get(f"{url}/").status == 200
        return killed - min(lost, default=killed)


@guarantee(
    "life", "What a killed process of a Celery worker's pool had queued is counted as killed, and told"
)
def test_what_a_killed_child_of_a_pool_took_with_it_is_counted() -> None:
    with redis() as broker, receiver("hang") as collector:
        worker = Worker("prefork", broker, collector, "-c", "1")
        with worker.process, worker.publisher:
            page = f"http://127.0.0.1:{worker.port}"
            worker.publish(40, seconds=0.1)
            shown = worker.process.wait_for(lambda: books(page).get(("accepted", "traces"), 0.0), "the books")
            (pid,) = children(worker.process.pid)
            os.kill(pid, signal.SIGKILL)
            killed = worker.process.wait_for(
                lambda: books(page).get(("dropped", "traces", "killed"), 0.0), "the loss"
            )
            assert killed >= shown > 0
            told = worker.process.wait_for_line(f"process {pid} ended without delivering")
            assert re.search(rf"traces {killed:.0f}$", told)
