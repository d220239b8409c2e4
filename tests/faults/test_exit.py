"""SIGTERM to exit takes 3 s at most, with every signal queued and a receiver that is no help."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.endings import (
    COMMAND,
    LIMIT,
    PROGRAMS,
    RECORDS,
    STATUS,
    measured,
    seconds_to_end,
    serving,
    told,
    unread,
    variables,
)
from tests.faults.guarantees import guarantee
from tests.faults.programs import PROJECT, ROOT
from tests.faults.receivers import receiver
from tests.oneline.broker import redis as redis_server
from tests.processes import Process, get, wait_until

Record = Callable[[str, object], None]
MANAGE = [sys.executable, "-m", f"{PROJECT}.manage"]


@pytest.fixture(scope="module")
def redis() -> Iterator[Callable[[], str]]:
    """Starts one when it is first asked for."""
    with ExitStack() as stack:
        started: list[str] = []

        def url() -> str:
            if not started:
                started.append(stack.enter_context(redis_server()))
            return started[0]

        yield url


@guarantee("exit", "{program} ends 3 s after SIGTERM at most, with spans, log records and stdout queued")
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("mode", ["hang", "refuse"])
def test_sigterm_to_exit(mode: str, program: str, redis: Callable[[], str], record_property: Record) -> None:
    def once() -> float:
        with (
            receiver(mode) as collector,
            unread() as out,
            told(program, collector, out, redis) as (process, pid),
        ):
            took = seconds_to_end(process, pid)
            assert process.popen.returncode == STATUS.get(program, 0), process.stderr
            for name in ("traces", "logs"):
                assert f"django_observe: {name}: " in process.stderr
            assert "shutdown" in process.stderr
            assert '"logger":' not in out.text()
        return took

    took = measured(once)
    record_property("measured", f"{took:.1f} s")
    assert took <= LIMIT


@guarantee("exit", "{program} leaves SIGTERM to a handler of the application's own, and ends no later")
@pytest.mark.parametrize("program", [COMMAND])
@pytest.mark.parametrize("mode", ["hang", "refuse"])
def test_a_handler_of_the_applications_own(mode: str, program: str, record_property: Record) -> None:
    argv = [*MANAGE, "emit", "--wait", "--own-handler", "--spans", str(RECORDS), "--logs", str(RECORDS)]

    def once() -> float:
        with receiver(mode) as collector, Process(argv, cwd=ROOT, env=variables(collector)) as process:
            process.wait_for_line("emitted")
            took = seconds_to_end(process)
            assert process.popen.returncode == 7, process.stderr
            assert "shutdown" in process.stderr
        return took

    took = measured(once)
    record_property("measured", f"{took:.1f} s")
    assert took <= LIMIT


@guarantee("exit", "The end does not wait for somebody to read stderr either")
@pytest.mark.parametrize("mode", ["hang"])
def test_nobody_reads_stderr(mode: str, record_property: Record) -> None:
    argv = [*MANAGE, "emit", "--wait", "--spans", str(RECORDS), "--logs", str(RECORDS)]

    def once() -> float:
        with receiver(mode) as collector, unread() as err:
            err.fill()
            env = {**variables(collector), "PYTHONWARNINGS": "ignore"}
            with Process(argv, cwd=ROOT, env=env, err=err.write) as process:
                process.wait_for_line("emitted")
                took = seconds_to_end(process)
                assert process.popen.returncode == -signal.SIGTERM
        return took

    took = measured(once)
    record_property("measured", f"{took:.1f} s")
    assert took <= LIMIT


RELOADED = f"""
import sys, time
from django.utils.autoreload import file_changed
from {PROJECT}.settings import *

def tell(**_):
    print("changed at", time.monotonic(), file=sys.stderr, flush=True)

file_changed.connect(tell, weak=False)
"""
RELOAD_LIMIT = 2.0
"""Seconds: of delivery one, the rest is Python's."""


def _ended(process: int, watched: Path) -> bool:
    """Whether it has; if not in 2 s, touches the file: the reloader may have looked too late."""
    os.utime(watched)
    return bool(select.select([process], [], [], 2)[0])


@guarantee("exit", "runserver starts anew 2 s after it saw a change, at most")
@pytest.mark.parametrize("mode", ["hang", "refuse"])
def test_a_reload(mode: str, tmp_path: Path, record_property: Record) -> None:
    watched = tmp_path / "faultsettings.py"
    watched.write_text(RELOADED)
    own = {"DJANGO_SETTINGS_MODULE": "faultsettings", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    def once() -> float:
        with (
            receiver(mode) as collector,
            serving("runserver", {**variables(collector), **own}) as (process, url),
        ):
            get(f"{url}/busy/")
            old = os.pidfd_open(int(get(f"{url}/").text))
            wait_until(lambda: _ended(old, watched), "the old process's end")
            now = time.monotonic()
            os.close(old)
            return now - float(process.wait_for_line("changed at").split()[-1])

    took = measured(once, RELOAD_LIMIT)
    record_property("measured", f"{took:.1f} s")
    assert took <= RELOAD_LIMIT


FLUSHING = """
import time, django
django.setup()
from django_observe import flush
from tests.faults.project.burst import burst
burst(60, 60)
started = time.monotonic()
told = flush(0.5)
print("FLUSHED", told, time.monotonic() - started, flush=True)
"""

UNRESOLVED = f"""
import socket, time
socket.getaddrinfo = lambda *_, **__: time.sleep(30)
{FLUSHING}"""
"""The same where the resolver does not answer: the call cannot be given a time limit."""


@guarantee("exit", "flush(0.5) says within 0.7 s whether all was taken")
@pytest.mark.parametrize("mode", ["ok", "hang", "refuse", "slow dns"])
def test_flush(mode: str, record_property: Record) -> None:
    answers: list[str] = []

    def once() -> float:
        unresolved = mode == "slow dns"
        with receiver("ok" if unresolved else mode) as collector:
            argv = [sys.executable, "-c", UNRESOLVED if unresolved else FLUSHING]
            with Process(argv, cwd=ROOT, env=variables(collector)) as process:
                process.popen.wait(30)
                _, answer, took = process.wait_for_line("FLUSHED").split()
        answers.append(answer)
        return float(took)

    took = measured(once, 0.7)
    record_property("measured", f"{answers[-1]}, {took:.2f} s")
    assert took <= 0.7
    assert answers[-1] == str(mode == "ok")
