"""Requests that gunicorn ends with their worker: told with their ID and route, their spans delivered."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from contextlib import suppress

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.collector import Collector
from tests.faults.guarantees import guarantee
from tests.faults.programs import gunicorn, lines
from tests.faults.receivers import receiver
from tests.processes import Process, get, wait_until

SYNC = ("--worker-class", "sync", "--timeout", "2")
GTHREAD = ("--worker-class", "gthread", "--threads", "4", "--timeout", "2", "--graceful-timeout", "1")
GUNICORNS_OWN = ("--worker-class", "asgi", "--timeout", "2")
UVICORN = ("--worker-class", "uvicorn_worker.UvicornWorker", "--timeout", "2")
STUBBORN = "stubborn/<int:number>/"


def begin(process: Process, url: str) -> str:
    """Asks, waiting for no answer as there will be none; the ID of the request, once it is at work."""

    def ask() -> None:
        with suppress(OSError, http.client.HTTPException):
            get(url, timeout=30)

    begun = len(lines(process, logger="faults"))
    threading.Thread(target=ask, daemon=True).start()
    told = process.wait_for(lambda: lines(process, logger="faults")[begun:], f"{url} to be at work", 10)
    return str(told[0]["correlation_id"])


def has_killed(process: Process) -> bool:
    """Whether the worker is gone: its last chance to tell anything."""
    return "was sent SIG" in process.stderr or "exited with code" in process.stderr


def is_told(collector: Collector, process: Process, identifier: str, route: str, stood: str) -> None:
    """One line with ID, route and stack on stdout, the same by OTLP, and the request's span in error."""
    fields = {"event": "request_aborted", "correlation_id": identifier}
    process.wait_for(lambda: lines(process, **fields) or has_killed(process), f"the line of {route}")
    (line,) = lines(process, **fields)
    assert (line["route"], line["status"], line["level"]) == (route, 500, "ERROR")
    assert line["error_type"] == "django_observe.inflight.WorkerAborted"
    assert f"in {stood}\n" in line["stack"]
    assert "worker_abort" not in line["stack"]
    collector.wait_for(lambda: line["trace_id"] in aborted(collector), "its line by OTLP")
    (span,) = collector.wait_for(
        lambda: [each for each in collector.spans() if each.trace_id == line["trace_id"]], "its span"
    )
    assert (span.name, span.raw.status.code) == (f"GET {route}", Status.STATUS_CODE_ERROR)
    assert span.attributes["correlation_id"] == identifier


def aborted(collector: Collector) -> list[str]:
    """The traces of the lines that came by OTLP."""
    logs = collector.logs()
    return [each.trace_id for each in logs if each.attributes.get("event") == "request_aborted"]


HANGS = {
    "gunicorn sync and a view that catches everything": (SYNC, "stubborn/7/", STUBBORN, "stubborn"),
    "gunicorn sync and a call that no signal ends": (SYNC, "deaf/", "deaf/", "deaf"),
    "gunicorn's own asgi": (GUNICORNS_OWN, "blocking/", "blocking/", "blocking"),
    "gunicorn with uvicorn's worker": (UVICORN, "blocking/", "blocking/", "blocking"),
}


@guarantee("life", "A request that --timeout kills leaves its line and its span: {program}")
@pytest.mark.parametrize("program", HANGS)
def test_a_request_that_hangs(program: str) -> None:
    arguments, path, route, stood = HANGS[program]
    application = "asgi" if path == "blocking/" else "wsgi"
    with (
        receiver("ok") as collector,
        gunicorn(collector, *arguments, application=application) as (process, url),
    ):
        identifier = begin(process, f"{url}/{path}")
        is_told(collector, process, identifier, route, stood)
        assert "WORKER TIMEOUT" in process.stderr
        wait_until(lambda: get(f"{url}/", timeout=2).status == 200, "the next worker")


@guarantee(
    "life", "All requests leave theirs that outlast a reload in their threads, till --timeout kills these"
)
def test_requests_that_outlast_a_reload_in_their_threads() -> None:
    """The main thread of gthread gives the signs of life: --timeout ends requests where it has ended."""
    with receiver("ok") as collector, gunicorn(collector, *GTHREAD) as (process, url):
        identifiers = [begin(process, f"{url}/stubborn/{number}/") for number in (1, 2)]
        os.kill(process.pid, signal.SIGHUP)
        for identifier in identifiers:
            is_told(collector, process, identifier, STUBBORN, "stubborn")
