"""Daphne's own lines: its set-up of logging is not taken for the project's, its access log not told twice."""

from __future__ import annotations

import io
import logging
import sys
from typing import Any

import daphne.cli
import pytest
from daphne.access import AccessLogGenerator
from django.test import override_settings

from django_observe import daphnelog

DETAILS = {"client": "127.0.0.1:1", "method": "GET", "path": "/", "status": 200, "size": 2}


def handler(form: str) -> logging.Handler:
    made = logging.StreamHandler()
    made.setFormatter(logging.Formatter(form))
    return made


def test_only_the_format_that_nobody_chose_is_its(monkeypatch: pytest.MonkeyPatch) -> None:
    assert daphnelog.is_its(handler(daphnelog.FORMAT))
    assert not daphnelog.is_its(handler("%(message)s"))
    assert not daphnelog.is_its(logging.StreamHandler())
    monkeypatch.delitem(sys.modules, "daphne.cli")
    assert not daphnelog.is_its(handler(daphnelog.FORMAT))


def test_the_format_is_the_one_of_its_command_line() -> None:
    parser: Any = daphne.cli.CommandLineInterface().parser
    assert parser.get_default("log_fmt") == daphnelog.FORMAT


def written(stream: io.StringIO) -> str:
    AccessLogGenerator(stream)("http", "complete", DETAILS)
    return stream.getvalue()


def test_the_access_log_stays_away_from_stdout_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    assert written(stdout) == ""
    assert '"GET /" 200 2' in written(io.StringIO())
    with override_settings(DJANGO_OBSERVE={"LOGS": "django_observe.logs.report"}):
        assert written(stdout) == ""
    with override_settings(DJANGO_OBSERVE={"LOGS": False}):
        assert '"GET /" 200 2' in written(stdout)


def test_websockets_without_a_line_of_ours_stay_in_the_access_log(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    AccessLogGenerator(stdout)("websocket", "connected", DETAILS)
    assert stdout.getvalue() == ""
    with override_settings(DJANGO_OBSERVE={"CHANNELS": False}):
        AccessLogGenerator(stdout)("websocket", "connected", DETAILS)
        assert '"WSCONNECT /"' in written(stdout)
    assert "GET" not in stdout.getvalue()
