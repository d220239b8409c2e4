"""Who asks: in no line and in no span of any server, unless a setting says so."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo_services.ports import free_port
from tests.collector import Collector
from tests.faults.guarantees import guarantee
from tests.faults.programs import PROJECT, ROOT, variables
from tests.faults.project.people import USER
from tests.faults.receivers import receiver
from tests.processes import Process, get

SERVERS = {
    "gunicorn": (
        *("gunicorn", "-c", "python:django_observe.gunicorn", "-b", "127.0.0.1:{port}"),
        *("--access-logfile", "-", f"{PROJECT}.wsgi"),
    ),
    "uvicorn": ("uvicorn", "--port", "{port}", f"{PROJECT}.asgi:application"),
    "daphne": ("daphne", "-b", "127.0.0.1", "-p", "{port}", f"{PROJECT}.asgi:application"),
    "runserver": (f"{PROJECT}.manage", "runserver", "--noreload", "127.0.0.1:{port}"),
}
EVERYTHING = {
    "USER_ID": "id",
    "CLIENT_IP": "address",
    "USER_AGENT": True,
    "PATH_PARAMETERS": ["*"],
    "QUERY_PARAMETERS": ["*"],
}
"""One line each."""

KNOWN = {
    "user": USER,
    "address": "203.0.113.77",
    "agent": "Firefox-of-Ada",
    "parameter of a path": "ada@example.com",
    "path without a route": "ada.l4st",
    "parameter of a query": "ada-looks-for",
}
"""What is asked for by somebody, and told with EVERYTHING."""

NEVER = {"basic authentication": "ada-basic", "referer": "ada.w4s.here"}
"""What the kit records nowhere; gunicorn has both in its access line."""

ACCESS = {"gunicorn": "gunicorn.access", "uvicorn": "uvicorn.access", "runserver": "django.server"}


@contextmanager
def served(
    program: str, collector: Collector, settings: dict[str, object], **more: str
) -> Iterator[tuple[Process, str]]:
    port = free_port()
    argv = [sys.executable, "-m", *(word.format(port=port) for word in SERVERS[program])]
    env = variables(collector, FAULTS_SETTINGS=json.dumps({"LOG_FORMAT": "json", **settings}), **more)
    with Process(argv, cwd=ROOT, env=env) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        yield process, f"http://127.0.0.1:{port}"


def ask(url: str) -> None:
    """A page, one that fails, one that is missing, and one that is not for this host."""
    basic = base64.b64encode(f"{NEVER['basic authentication']}:pw".encode()).decode()
    headers = {
        "X-Forwarded-For": KNOWN["address"],
        "User-Agent": KNOWN["agent"],
        "Authorization": f"Basic {basic}",
        "Referer": f"https://mail.example/{NEVER['referer']}/",
    }
    query = f"q={KNOWN['parameter of a query']}"
    assert get(f"{url}/accounts/{KNOWN['parameter of a path']}/?{query}", headers).status == 200
    assert get(f"{url}/accounts/{KNOWN['parameter of a path']}/?{query}&fail=1", headers).status == 500
    assert get(f"{url}/nowhere/{KNOWN['path without a route']}?{query}", headers).status == 404
    get(f"{url}/accounts/{KNOWN['parameter of a path']}/?{query}", {**headers, "Host": "elsewhere.example"})


def left(program: str, settings: dict[str, object], **more: str) -> str:
    """All that a program printed and sent."""
    with receiver("ok") as collector, served(program, collector, settings, **more) as (process, url):
        ask(url)
        collector.wait_for(lambda: len(asked(collector)) >= 4 and len(collector.logs()) >= 4)
        process.stop()
        sent = b"".join(body for _, _, body in collector.requests).decode(errors="replace")
        return process.stdout + process.stderr + sent


def asked(collector: Collector) -> list[str]:
    return [span.name for span in collector.spans() if "http.request.method" in span.attributes]


@guarantee("privacy", "Who asks is in no line and in no span", column="program")
@pytest.mark.parametrize("program", SERVERS)
def test_nothing_identifies_a_person_by_default(program: str) -> None:
    told = left(program, {})
    assert {what for what, text in (KNOWN | NEVER).items() if text in told} == set()
    assert "203.0.113.0" in told, "the network, by which abuse is seen"
    assert "/accounts/<email>/" in told


@guarantee("privacy", "A server's own access line says no more of who asks than ours", column="program")
@pytest.mark.parametrize("program", ACCESS)
def test_access_lines_identify_no_person(program: str, tmp_path: Path) -> None:
    """In a file of the project's own, as on stdout they are left out where ours say the same."""
    file = tmp_path / "access.jsonl"
    left(program, {}, FAULTS_LOGGING=json.dumps(logging_to(file)))
    told = [json.loads(line)["message"] for line in file.read_text().splitlines()]
    page, failed, missing, elsewhere = (line for line in told if "q=" in line)
    assert '"GET /accounts/<segment>/?q=[redacted] HTTP/1.1" 200' in page
    assert '"GET /accounts/<segment>/?q=[redacted]&fail=[redacted] HTTP/1.1" 500' in failed
    assert '"GET /nowhere/<segment>?q=[redacted] HTTP/1.1" 404' in missing
    assert '"GET /accounts/<segment>/?q=[redacted] HTTP/1.1" 400' in elsewhere
    assert {what for what, text in (KNOWN | NEVER).items() if text in file.read_text()} == set()


def logging_to(file: Path) -> dict[str, object]:
    """A LOGGING that has access lines in a file."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "django_observe.json.JsonFormatter"}},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(file), "formatter": "json"}},
        "loggers": {name: {"handlers": ["file"], "level": "INFO"} for name in ACCESS.values()},
    }


@guarantee("privacy", "Who wants it all has it by one line each", column="program")
@pytest.mark.parametrize("program", ["gunicorn", "uvicorn"])
def test_everything_can_be_switched_on(program: str) -> None:
    told = left(program, EVERYTHING)
    assert {what for what, text in KNOWN.items() if text not in told} == set()
    assert {what for what, text in NEVER.items() if text in told} == set()
