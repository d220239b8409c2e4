"""Brokers that refuse, whose URL nobody can parse, or behind which no worker can be asked."""

from __future__ import annotations

from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer
from struct import pack, unpack
from typing import Any

import pytest

from django_observe.doctor import fleet
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED
from django_observe.doctor.fleet import Fleet
from tests.doctor.faulttable import assert_found, plant
from tests.doctor.fleets import app, examined, in_folder, with_task
from tests.doctor.listening import listening

UNQUOTED = plant(
    "the broker's URL has a password with an unquoted /, # or ?",
    "Celery",
    "its address is wrong, or of a transport that is not installed here",
    'CELERY_BROKER_URL = "…://HOST:PORT/..."  # as the workers have it',
)


@pytest.mark.parametrize("mark", ["/", "#", "?", ";", "["])
def test_a_password_that_breaks_its_url_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], mark: str
) -> None:
    findings = examined(monkeypatch, app(f"redis://lois:s3cr{mark}esame@loft:6379/0"))
    assert_found(findings, UNQUOTED)
    place = "" if mark == "?" else "loft:6379/0"
    assert findings[0].says == f"the broker redis://{place} does not answer: {fleet.UNPARSED}"
    told = f"{findings} {capfd.readouterr()}"
    assert [piece for piece in ("s3cr", "esame", "lois") if piece in told] == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("amqp://lois:s3cret@one:5672//;amqp://lois:s3cret@two//", "amqp://two//"),
        ("redis://one:6379/0;redis://two:6379/0", "redis://one:6379/0"),
        ("rediss://:s3cret@one/0?ssl_keyfile=s3cret", "rediss://one/0"),
        ("rediss://one/0?ssl_password=s3c@ret", "rediss://"),
        ("rediss://:s3c@one/0?ssl_password=s3c@ret;redis://two", "rediss://"),
        ("one/0?ssl_password=s3c@ret", "amqp://"),
        (["sqs://", "sqs://two"], "sqs://"),
        ("lois:s3cret@one", "one"),
    ],
)
def test_a_broker_is_shown_without_what_is_secret(given: Any, shown: str) -> None:
    assert Fleet(app(given)).broker == shown


class Refusing(StreamRequestHandler):
    """AMQP 0-9-1 as RabbitMQ answers a wrong password: Connection.Start, StartOk, Connection.Close."""

    def handle(self) -> None:
        self.rfile.read(8)
        self._send(pack(">HHBBII5sI5s", 10, 10, 0, 9, 0, 5, b"PLAIN", 5, b"en_US"))
        _, _, length = unpack(">BHI", self.rfile.read(7))
        self.rfile.read(length + 1)
        self._send(pack(">HHHB14sHH", 10, 50, 403, 14, b"ACCESS_REFUSED", 0, 0))
        self.rfile.read()

    def _send(self, method: bytes) -> None:
        self.wfile.write(pack(">BHI", 1, 0, len(method)) + method + b"\xce")


def test_a_broker_that_refuses_the_password(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with listening(TCPServer(("127.0.0.1", 0), Refusing)) as url:
        [found] = examined(monkeypatch, app(f"amqp://lois:s3cret@{url.removeprefix('http://')}//"))
    assert (found.state, "ACCESS_REFUSED" in found.says, found.cause) == (BROKEN, True, fleet.AWAY)
    assert "s3cret" not in f"{found} {capfd.readouterr()}"


def test_workers_that_take_no_remote_control_are_not_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = with_task(in_folder(tmp_path, worker_enable_remote_control=False))
    [found] = examined(monkeypatch, made)
    assert (found.state, found.says.endswith("worker_enable_remote_control")) == (NOT_CONFIGURED, True)


def test_a_worker_that_takes_its_time_to_answer_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers = iter([{}, {"bare@here": ["shop.report"]}])
    monkeypatch.setattr(Fleet, "_asked", lambda *_: next(answers))
    [found] = examined(monkeypatch, with_task(in_folder(tmp_path)))
    assert found.says == "bare@here does not run the kit"
