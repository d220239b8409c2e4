"""The examination: the canary is sent, and each hop asked in turn; the exit status is for CI."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from importlib import import_module

from django.core.management.base import OutputWrapper

from django_observe import conf
from django_observe.console.terminal import Painter
from django_observe.doctor import backends, canary, otlpcase, report, serviceurl, timelimit
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, Finding
from django_observe.doctor.timelimit import OutOfTimeError
from django_observe.reporting import guard

HOPS = tuple(
    """
    identity middlewareorder loglines sampling service otlpendpoint clock metricspage readiness
    servicemetric serviceexport servicespan servicesampling workers console jaeger loki prometheus
    """.split()  # noqa: SIM905 - a column of eighteen words
)
"""Modules of this package with a function `examine`, in the order of what is sent."""

DEFAULT_TIMEOUT = 30.0

Examine = Callable[[Canary], Iterator[Finding]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `manage.py observe doctor` takes."""
    parser.add_argument(
        "--url",
        action="append",
        default=[],
        type=_url,
        help="a running service of this project, asked from here (may be repeated; default: "
        "http://127.0.0.1:8000, if this service is there)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help="for all of it (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace, out: OutputWrapper, painter: Painter) -> int:
    """Examines, prints to `out`, and answers the exit status: 0, or 1 where something is broken."""
    with timelimit.within(arguments.timeout):
        known = backends.from_settings(conf.settings())
        urls, nowhere = (tuple(arguments.url), "") if arguments.url else serviceurl.usual()
        sent = canary.sent(urls, arguments.timeout, known, nowhere)
        findings = examined(sent)
        if arguments.json:
            found = list(findings)
            out.write(json.dumps(report.document(sent, found), indent=2))
        else:
            found = []
            out.write(report.heading(sent))
            for finding in findings:
                found.append(finding)
                out.write(report.line(finding, painter))
                out.flush()
            out.write(report.conclusion(found, painter))
    return int(any(finding.state == BROKEN for finding in found))


def examined(sent: Canary) -> Iterator[Finding]:
    """What every hop has found, as it is found."""
    for name in HOPS:
        hop = import_module(f"django_observe.doctor.{name}")
        for found in _guarded(getattr(hop, "HOP", name), hop.examine, sent):
            yield found.without_secrets()


def _guarded(name: str, examine: Examine, sent: Canary) -> Iterator[Finding]:
    """A fault of the examination itself costs the others nothing."""
    fault, is_late = "", False
    with guard("doctor"):
        try:
            yield from examine(sent)
        except OutOfTimeError:
            is_late = True
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
            raise
    if is_late:
        over = f"the {sent.timeout:g} s of --timeout were over before all of it had answered"
        change = "--timeout 60    # after what is broken above, which may have taken the time"
        yield Finding(name, BROKEN, "not examined to its end", cause=over, change=change)
    if fault:
        yield Finding(
            name,
            BROKEN,
            "the examination itself failed",
            cause=fault,
            change="nothing of yours: please report it, with this line",
        )


def _url(text: str) -> str:
    if otlpcase.parts_of(text) is None or not (text.isascii() and text.isprintable() and " " not in text):
        raise argparse.ArgumentTypeError(f"{text} is not a URL such as http://127.0.0.1:8000")
    return text.rstrip("/")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return seconds
