"""The program around it: start, end, restart, a taken port, a broken file, a full queue."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import stat
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.console.running import ROOT, running, span_id, trace_id
from tests.console.telemetry import log, logs, span, traces
from tests.processes import Process, wait_until

CLI = [sys.executable, "-m", "django_observe.cli"]


def run(*words: str | Path, env: dict[str, str | None] | None = None) -> tuple[int, str]:
    """Exit status and stderr of a command that ends by itself."""
    with Process([*CLI, *words], cwd=ROOT, env=env) as process:
        status = process.popen.wait(20)
        return status, process.stdout + process.stderr


def test_it_needs_no_project_and_ignores_the_one_around_it() -> None:
    with running(env={"DJANGO_SETTINGS_MODULE": "no.such.settings"}) as console:
        assert console.get("/traces").status == 200
    with running(env={"DJANGO_SETTINGS_MODULE": None}) as console:
        assert console.get("/traces").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_two_seconds_while_connections_are_open(number: signal.Signals) -> None:
    with running() as console:
        parts = urlsplit(console.otlp)
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as idle:
            idle.sendall(b"POST /v1/traces HTTP/1.1\r\n")
            began = time.monotonic()
            console.process.popen.send_signal(number)
            assert console.process.popen.wait(10) == 0
            assert time.monotonic() - began < 2


def test_data_survives_a_restart_and_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "console.db"
    one, other = trace_id(), trace_id()
    with running("--db", file) as console:
        console.send("/v1/traces", traces("kept", span(one, span_id())))
        console.send("/v1/logs", logs("kept", log("still here", traceId=one)))
    with running("--db", file) as console:
        assert len(console.spans(one)) == 1
        assert [line["message"] for line in console.json("/api/logs", q="still")["logs"]] == ["still here"]
        console.send("/v1/traces", traces("kept", span(other, span_id())))
        os.kill(console.process.pid, signal.SIGKILL)
        console.process.popen.wait(10)
    with running("--db", file) as console:
        assert len(console.spans(other)) == 1, "answered 200 and yet lost"


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "console.db"
    with running("--db", file):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert set(modes.values()) == {0o600}, modes


def test_without_db_the_file_is_in_the_users_data_folder(tmp_path: Path) -> None:
    words = [*CLI, "console", "--port", "0", "--otlp-port", "0"]
    environment = {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with Process(words, cwd=ROOT, env=environment) as process:
        process.wait_for_line("receiving OTLP/HTTP")
        assert list(tmp_path.rglob("django-observe/console.db"))


def test_memory_leaves_nothing_behind(tmp_path: Path) -> None:
    with running("--memory", env={"TMPDIR": str(tmp_path)}):
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_corrupt_file_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "console.db"
    file.write_bytes(b"this is no database, it only looks like a file of some length" * 500)
    with running("--db", file) as console:
        assert console.json("/api/status")["stored"]["spans"] == 0
        assert "renamed to" in console.process.stderr
    assert [path.read_bytes()[:8] for path in tmp_path.glob("*.bak")] == [b"this is "]


def test_a_file_that_went_while_it_ran_is_told_as_503(tmp_path: Path) -> None:
    with running("--db", tmp_path / "console.db") as console:
        for file in tmp_path.iterdir():
            file.unlink()
        for path in ("/traces", "/api/logs", "/api/v3/services", "/search?q=x", f"/trace/{trace_id()}.json"):
            answer = console.get(path)
            assert answer.status == 503, path
            assert "could not be read (unable to open database file)" in answer.text


def test_a_file_of_a_later_version_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "console.db"
    connection = sqlite3.connect(file)
    connection.executescript(
        f"CREATE TABLE trace(x); PRAGMA application_id={0x6F627376}; PRAGMA user_version=99;"
    )
    connection.close()
    with running("--db", file) as console:
        assert "schema version 99" in console.process.stderr
    assert len(list(tmp_path.glob("*.bak"))) == 1


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript("CREATE TABLE auth_user(id); INSERT INTO auth_user VALUES (1);")
    connection.close()
    file.chmod(0o644)
    before = file.read_bytes()
    status, text = run("console", "--port", "0", "--otlp-port", "0", "--db", file)
    assert status == 2
    assert "database of another program" in text
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (before, 0o644)
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_an_error_not_a_crash(tmp_path: Path) -> None:
    folder = tmp_path / "console.db"
    folder.mkdir()
    status, text = run("console", "--port", "0", "--otlp-port", "0", "--db", folder)
    assert status == 2
    assert "--memory" in text
    assert "Traceback" not in text
    assert stat.S_IMODE(folder.stat().st_mode) != 0o600


@pytest.mark.parametrize(("option", "other"), [("--port", "--otlp-port"), ("--otlp-port", "--port")])
def test_a_taken_port_is_named_with_its_holder(option: str, other: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        status, text = run("console", option, str(port), other, "0", "--memory")
    assert status == 2
    assert f"Port {port} on 127.0.0.1 is taken by pid {os.getpid()}" in text
    assert f"another port with {option}" in text
    found = re.search(r"ENDPOINT=http://localhost:(\d+)\.", text)
    assert (found is not None) is (option == "--otlp-port")
    assert found is None or f"{option} {found[1]} and" in text


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "example.org", "::"])  # noqa: S104 - it is refused
def test_without_a_token_it_listens_on_the_loopback_only(host: str) -> None:
    status, text = run("console", "--port", "0", "--otlp-port", "0", "--memory", "--host", host)
    assert status == 2
    assert f"--host {host}" in text
    assert "127.0.0.1" in text


@pytest.mark.parametrize("hours", ["0", "-1", "inf", "nan", "1e300", "soon"])
def test_hours_that_no_clock_has_are_refused(hours: str) -> None:
    status, text = run("console", "--port", "0", "--otlp-port", "0", "--memory", f"--max-hours={hours}")
    assert status == 2
    assert "--max-hours" in text


def test_a_missing_extra_names_the_pip_command(tmp_path: Path) -> None:
    (tmp_path / "platformdirs.py").write_text("raise ImportError('absent', name='platformdirs')")
    status, text = run("console", "--memory", env={"PYTHONPATH": str(tmp_path)})
    assert status == 2
    assert "pip install 'django-observe-kit[console]'" in text
    assert "Traceback" not in text


def test_a_full_queue_answers_503_and_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    file = tmp_path / "console.db"
    one = trace_id()
    statuses: list[tuple[int, str | None]] = []
    with running("--db", file) as console:

        def send() -> None:
            line = log("pressed", traceId=one)
            answer = console.post("/v1/logs", json.dumps(logs("press", line)).encode())
            statuses.append((answer.status, answer.headers["Retry-After"]))

        blocker = sqlite3.connect(file, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        senders = [threading.Thread(target=send) for _ in range(90)]
        for sender in senders:
            sender.start()
        wait_until(lambda: statuses, "the first refusal")
        blocker.execute("ROLLBACK")
        blocker.close()
        for sender in senders:
            sender.join()
        accepted = statuses.count((200, None))
        assert accepted + statuses.count((503, "1")) == 90
        assert 0 < accepted < 90
        assert "Unavailable" not in console.process.stderr
        assert console.json("/api/status")["stored"]["logs"] == accepted
