"""The run and its report, whatever a hop does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

import pytest

from demo_services.ports import free_port
from django_observe import reporting
from django_observe.console.terminal import Painter
from django_observe.doctor import identity, report, run, timelimit
from django_observe.doctor.backends import Backends
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from tests.doctor import alone
from tests.doctor.running import doctor, environment
from tests.oneline.environments import ROOT


def test_a_hop_that_raises_costs_the_others_nothing(sent: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(_: Canary) -> Iterator[Finding]:
        yield Finding("service name", OK, "so far")
        raise LookupError("of all places")

    monkeypatch.setattr(identity, "examine", examine)
    monkeypatch.setattr(run, "HOPS", ("identity", "middlewareorder"))
    before = reporting.failures().get("doctor", 0)
    first, failed, last = run.examined(sent)
    assert (first.says, last.hop) == ("so far", "middleware")
    assert (failed.hop, failed.state, failed.cause) == ("service name", BROKEN, "LookupError: of all places")
    assert reporting.failures()["doctor"] == before + 1


def test_the_timeout_is_for_all_of_it(sent: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is asked last is not blamed for who hangs, and what needs no time is examined all the same."""
    monkeypatch.setattr(run, "HOPS", ("service", "console", "jaeger", "loki", "prometheus", "identity"))
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}"
        known = Backends(console=url, jaeger=url, loki=url, prometheus=url)
        began = monotonic()
        with timelimit.within(0.3):
            *late, last = run.examined(replace(sent, urls=(url,), backends=known, timeout=0.3))
    assert monotonic() - began < 2
    assert {(each.state, each.says) for each in late} == {(BROKEN, "not examined to its end")}
    assert [each.hop for each in late] == ["service", "console", "Jaeger", "Loki", "Prometheus"]
    assert last.hop == "service name"
    assert "not examined" not in last.says


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("sent to http://me:s3cret@host:4318: that", "sent to http://USER:PASSWORD@host:4318: that"),
        ("'http://me:s3/cret@host:4318' is no URL", "'http://USER:PASSWORD@host:4318' is no URL"),
        ("'me:s3cret@host:4318' is no URL", "'USER:PASSWORD@host:4318' is no URL"),
        ("ENDPOINT=https://s3cret@host/v1/traces", "ENDPOINT=https://USER:PASSWORD@host/v1/traces"),
        ("ENDPOINT=me:s3cret@host", "ENDPOINT=USER:PASSWORD@host"),
        ("redirects to https://host/login?key=s3cret: so", "redirects to https://host/login?...: so"),
        (
            "celery@one: at http://host:9090, as http://[::1]:80",
            "celery@one: at http://host:9090, as http://[::1]:80",
        ),
        ("http://USER:PASSWORD@host", "http://USER:PASSWORD@host"),
    ],
)
def test_no_credentials_are_shown(
    told: str, shown: str, sent: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        identity, "examine", lambda _: iter([Finding("service name", BROKEN, told, told, told)])
    )
    monkeypatch.setattr(run, "HOPS", ("identity",))
    [found] = run.examined(sent)
    assert (found.says, found.cause, found.change) == (shown, shown, shown)


def test_stdout_has_one_object_whatever_is_logged_and_printed() -> None:
    """Also at the end of the process, when what could not be delivered is tried once more."""
    handlers = {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}
    root = {"handlers": ["out"], "level": "DEBUG"}
    logging = {"version": 1, "disable_existing_loggers": False, "handlers": handlers, "root": root}
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    ran = doctor("--json", settings={"LOGGING": logging}, variables=endpoint)
    assert (ran.status, ran.document["broken"]) == (1, 1)


@pytest.mark.parametrize("words", [("doctor",), ("doctor", "--json"), ("find", "doctor-of-nobody")])
def test_a_pipe_that_nobody_reads_any_more_ends_it_quietly(words: tuple[str, ...]) -> None:
    """As `| head` leaves it: the next that is written has no reader."""
    reading, writing = os.pipe()
    os.close(reading)
    argv = [sys.executable, "-m", alone.__name__, "observe", *words]
    try:
        ended = subprocess.run(
            argv,
            stdout=writing,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=ROOT,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_what_one_change_mends_is_told_once() -> None:
    alike = [Finding(hop, BROKEN, f"{hop} fails", "no collector", "start it") for hop in ("traces", "logs")]
    text = report.conclusion([*alike, Finding("clock", OK, "well")], Painter(coloured=False))
    assert text == (
        "\ntraces, logs: traces fails\n  cause   no collector\n  change  start it\n\n"
        "2 broken, 1 ok, 0 not configured"
    )


@pytest.mark.parametrize("coloured", [False, True])
def test_what_others_say_cannot_steer_the_terminal(coloured: bool) -> None:
    evil, painter = "\x1b[2Jgone\r\u202e", Painter(coloured=coloured)
    told = report.line(Finding("service", NOT_CONFIGURED, evil), painter)
    told += report.conclusion([Finding("service", BROKEN, evil, evil, f"one\n{evil}")], painter)
    assert [each for each in ("\x1b[2J", "\r", "\u202e") if each in told] == []
    assert "\n          gone" in told


@pytest.mark.parametrize("given", ["0", "-1", "soon", "nan"])
def test_a_timeout_is_a_number_of_seconds(given: str) -> None:
    with pytest.raises(Exception, match="is not a number of seconds above 0"):
        run._seconds(given)


@pytest.mark.parametrize(
    "given", ["shop:8000", "ftp://shop", "http://", "http://[::1", "http://a:99999", "http://a b"]
)
def test_a_url_is_one_that_can_be_asked(given: str) -> None:
    with pytest.raises(Exception, match="is not a URL such as"):
        run._url(given)
