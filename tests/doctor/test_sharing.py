"""Several workers that do not share their metrics, under servers other than gunicorn."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from django.test import override_settings

from demo_services.ports import free_port
from django_observe.doctor import metricspage, sharing
from django_observe.doctor.canary import Canary
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.doctor.running import environment
from tests.doctor.serving import proxy
from tests.oneline.environments import ROOT
from tests.processes import Process

CAUSE = (
    "each counts for itself, and a scrape meets any of them (observe_scrape_incomplete is 1): rates jump, "
    "and most requests are missing"
)
GUNICORN = "gunicorn -c python:django_observe.gunicorn ..."
WRITABLE = (
    "OBSERVE_METRICS_DIR=/run/metrics    # one that all workers can write\n"
    "or, elsewhere than on Linux, or where a program of yours starts them: "
    "PROMETHEUS_MULTIPROC_DIR=/run/metrics    # one for all workers, empty at the start"
)
MASTERLESS = plant(
    "uWSGI has several processes and no master",
    metricspage.HOP,
    CAUSE,
    "master = true    # in uWSGI's configuration",
)
UNWRITABLE = plant(
    "uvicorn's workers can write nowhere",
    metricspage.HOP,
    CAUSE,
    f"{WRITABLE}\nor, where gunicorn runs uvicorn's workers: {GUNICORN}",
)
PROXIED = plant(
    "a proxy does not say which server has several workers that do not share their metrics",
    metricspage.HOP,
    CAUSE,
    f"gunicorn: {GUNICORN}\nuWSGI: {PLANTED[MASTERLESS].change}\nothers: {WRITABLE}",
)


@contextmanager
def serving(*argv: str, **variables: str) -> Iterator[str]:
    """The URL of the tests' project under a server."""
    port = free_port()
    program, *options = argv
    words = [str(Path(sys.executable).parent / program), *(word.format(port=port) for word in options)]
    with Process(words, cwd=ROOT, env={**environment(), **variables}) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def canary(sent: Canary) -> Iterator[Canary]:
    with override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "shop"}):
        yield sent


def test_uwsgi_without_a_master(canary: Canary) -> None:
    """It names itself in no header, but a proxy before it does."""
    module = ("--module", "django.core.wsgi:get_wsgi_application()", "--need-app", "--enable-threads")
    with serving("uwsgi", "--http-socket", "127.0.0.1:{port}", *module, "--processes", "2") as url:
        diagnosed(metricspage.examine(replace(canary, urls=(url,))), MASTERLESS, PLANTED[MASTERLESS].change)
        with proxy(url) as before:
            found = metricspage.examine(replace(canary, urls=(before.url,)))
            diagnosed(found, PROXIED, PLANTED[PROXIED].change)


def test_uvicorn_where_no_directory_can_be_written(canary: Canary) -> None:
    application = ("--factory", "django.core.asgi:get_asgi_application", "--port", "{port}")
    with serving("uvicorn", *application, "--workers", "2", OBSERVE_METRICS_DIR="/dev/null") as url:
        diagnosed(metricspage.examine(replace(canary, urls=(url,))), UNWRITABLE, PLANTED[UNWRITABLE].change)


@pytest.mark.parametrize("server", ["granian", "hypercorn-h11"])
def test_others_that_need_nothing_but_a_directory(server: str) -> None:
    """Server headers as Granian 2 and Hypercorn 0.18 send them."""
    assert sharing.change(server) == WRITABLE
