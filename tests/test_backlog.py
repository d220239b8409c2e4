"""A stdout that nobody reads: requests are answered, lines wait in order, what is lost is counted."""

from __future__ import annotations

import fcntl
import io
import json
import os
import select
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo_services.ports import free_port
from django_observe.backlog import Backlog, Pipe, pipe_of
from django_observe.ledger import Ledger
from tests.processes import get, wait_until
from tests.runningthreads import threads

ROOT = Path(__file__).parent.parent
ROOM = 4096
"""Bytes a pipe of the smallest size holds."""


def nothing() -> None:
    """Nothing was printed before."""


class Reader:
    """Both ends of a small pipe, read only when asked to."""

    def __init__(self, *, waits: bool) -> None:
        self.fd, self.end = os.pipe()
        fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, ROOM)
        self.stream = os.fdopen(self.end, "w", encoding="utf-8")
        opened = pipe_of(self.stream)
        assert opened is not None
        assert not opened.waits
        self.pipe = Pipe(self.end, waits=True) if waits else opened

    def fill(self) -> None:
        """Leaves no room."""
        os.write(self.end, b"." * (ROOM - 1) + b"\n")

    def read(self, count: int) -> list[str]:
        """The next `count` lines, without what filled the pipe."""
        text = b""
        while text.count(b"\n") < count + text.startswith(b"."):
            assert select.select([self.fd], [], [], 20)[0], f"of {count} lines only {text!r}"
            text += os.read(self.fd, 65_536)
        return [line for line in text.decode().splitlines() if not line.startswith(".")]

    def leave(self) -> None:
        """Closes the reading end."""
        os.close(self.fd)
        self.fd = -1

    def close(self) -> None:
        """Leaves nothing open."""
        if self.fd >= 0:
            self.leave()
        self.stream.close()


@pytest.fixture(params=[False, True], ids=["private", "shared"])
def reader(request: pytest.FixtureRequest) -> Iterator[Reader]:
    """A pipe that could be opened again, as on Linux, and one that could not."""
    opened = Reader(waits=request.param)
    yield opened
    opened.close()


def is_consistent(ledger: Ledger) -> bool:
    return ledger.accepted == ledger.exported + ledger.lost + ledger.queued


def test_lines_that_are_read_need_neither_a_thread_nor_books() -> None:
    reader, backlog, before = Reader(waits=False), Backlog(), threads()
    for number in range(500):
        backlog.write(reader.pipe, b"%d\n" % number, nothing)
        assert reader.read(1) == [str(number)]
    assert backlog.ledger() == Ledger()
    assert threads() <= before
    reader.close()


def test_lines_wait_for_the_reader_and_come_in_order(reader: Reader) -> None:
    backlog = Backlog()
    reader.fill()
    for number in range(3_000):
        backlog.write(reader.pipe, b"%d\n" % number, nothing)
    assert backlog.ledger().queued == 3_000
    assert reader.read(3_000) == [str(number) for number in range(3_000)]
    wait_until(lambda: not backlog.ledger().queued, "the books")
    assert backlog.ledger().exported == 3_000
    assert is_consistent(backlog.ledger())


@pytest.mark.parametrize(("max_lines", "max_bytes"), [(3, 1_000), (100, 6)])
def test_a_full_backlog_drops_the_newest_and_counts_it(
    reader: Reader, max_lines: int, max_bytes: int
) -> None:
    backlog = Backlog(max_lines, max_bytes)
    reader.fill()
    for number in range(5):
        backlog.write(reader.pipe, b"%d\n" % number, nothing)
    assert (backlog.ledger().queued, backlog.ledger().dropped) == (3, {"queue_full": 2})
    assert is_consistent(backlog.ledger())
    assert reader.read(3) == ["0", "1", "2"]
    wait_until(lambda: not backlog.ledger().queued, "the books")
    backlog.write(reader.pipe, b"again\n", nothing)
    assert reader.read(1) == ["again"]


def test_lines_longer_than_the_pipe_stay_whole_among_others(reader: Reader) -> None:
    backlog = Backlog()
    lines = ["a", "b" * 50_000, "c", "d" * 9_000, "e"]
    for line in lines:
        backlog.write(reader.pipe, f"{line}\n".encode(), nothing)
    assert reader.read(len(lines)) == lines


def test_a_long_line_for_which_there_is_room_is_out_before_the_call_returns() -> None:
    reader, backlog, before = Reader(waits=False), Backlog(), threads()
    fcntl.fcntl(reader.end, fcntl.F_SETPIPE_SZ, 65_536)
    backlog.write(reader.pipe, b"x" * 20_000 + b"\n", nothing)
    assert backlog.ledger().exported == 1
    assert threads() <= before
    reader.close()


def test_threads_keep_their_own_order_and_tear_no_line(reader: Reader) -> None:
    backlog = Backlog()

    def log(name: int) -> None:
        for number in range(300):
            backlog.write(reader.pipe, json.dumps([name, number, "x" * 100]).encode() + b"\n", nothing)

    with ThreadPoolExecutor(5) as threads:
        futures = [threads.submit(log, name) for name in range(4)]
        lines = [json.loads(line) for line in reader.read(1_200)]
    assert all(future.exception() is None for future in futures)
    for name in range(4):
        assert [number for by, number, _ in lines if by == name] == list(range(300))


def test_what_was_printed_before_comes_before(reader: Reader) -> None:
    reader.stream.write("printed\n")
    Backlog().write(reader.pipe, b"logged\n", reader.stream.flush)
    assert reader.read(2) == ["printed", "logged"]


def test_the_end_waits_a_moment_and_counts_what_is_left(reader: Reader) -> None:
    backlog = Backlog()
    reader.fill()
    backlog.write(reader.pipe, b"lost\n", nothing)
    assert not backlog.closed(time.monotonic() + 0.05)
    assert (backlog.ledger().dropped, backlog.ledger().queued) == ({"shutdown": 1}, 0)
    backlog.write(reader.pipe, b"kept\n", nothing)
    reading = threading.Timer(0.05, reader.read, [1])
    reading.start()
    assert backlog.closed(time.monotonic() + 20)
    assert is_consistent(backlog.ledger())
    reading.join()


def test_a_reader_that_is_gone_costs_lines_that_are_counted(reader: Reader) -> None:
    backlog = Backlog()
    reader.fill()
    for _ in range(3):
        backlog.write(reader.pipe, b"lost\n", nothing)
    reader.leave()
    wait_until(lambda: backlog.ledger().dropped == {"undelivered": 3}, "three lost lines")
    assert is_consistent(backlog.ledger())


def test_a_socket_that_is_not_read_is_waited_for_as_well() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, os.fdopen(os.dup(ours.fileno()), "w", encoding="utf-8") as stream:
        pipe, backlog = pipe_of(stream), Backlog()
        assert pipe is not None
        while not backlog.ledger().queued:
            backlog.write(pipe, b"x" * 999 + b"\n", nothing)
        backlog.write(pipe, b"last\n", nothing)
        received = b""
        while not received.endswith(b"last\n"):
            received += theirs.recv(65_536)
        assert set(received.splitlines()) == {b"x" * 999, b"last"}


def test_who_closes_a_redirected_stdout_ends_what_its_reader_waits_for() -> None:
    reading, writing = os.pipe()
    other_reading, other_writing = os.pipe()
    with os.fdopen(reading, "rb") as end, os.fdopen(other_reading), os.fdopen(other_writing, "w") as other:
        redirected = os.fdopen(writing, "w")
        pipe = pipe_of(redirected)
        assert pipe is not None
        assert pipe_of(redirected) is pipe
        backlog = Backlog()
        backlog.write(pipe, b"x" * 2 * ROOM + b"\n", nothing)
        del pipe
        redirected.close()
        assert pipe_of(other) is not None, "what logs elsewhere from now on"
        wait_until(lambda: not backlog._lines, "the line")
        while select.select([end], [], [], 5)[0]:
            if not os.read(reading, 65_536):
                return
        pytest.fail("it is still open")


def test_files_and_streams_without_a_descriptor_are_written_to_directly(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file, Path(os.devnull).open("w") as null:
        assert pipe_of(file) is pipe_of(null) is pipe_of(io.StringIO()) is None
    assert pipe_of(file) is None
    assert pipe_of(io.TextIOWrapper(io.BytesIO())) is None


FORKING = """
    import logging, os, sys

    from django_observe import backlog, export
    from django_observe.loghandler import Output

    logger = logging.getLogger("shop")
    logger.addHandler(Output(sys.stdout))
    os.write(1, b"." * 65535 + b"\\n")
    logger.error("parent's")
    child = os.fork()
    if not child:
        assert export.snapshot() == {}
        logger.error("child's")
        assert export.snapshot()["stdout"].queued == 1
        os.write(2, b"waiting\\n")
        backlog.closed(float("inf"))
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_a_forked_child_has_lines_and_a_thread_of_its_own() -> None:
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", textwrap.dedent(FORKING)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with program:
        assert program.stderr is not None
        assert program.stderr.readline() == b"waiting\n"
        out, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, b"")
    assert sorted(out.decode().splitlines()[1:]) == ["child's", "parent's"]


SHOP = {
    "settings.py": """
        SECRET_KEY = "only for tests"
        ALLOWED_HOSTS = ["*"]
        ROOT_URLCONF = "urls"
        INSTALLED_APPS = ["django_observe"]
    """,
    "urls.py": """
        import logging

        from django.http import HttpResponse
        from django.urls import path

        logger = logging.getLogger("shop")


        def page(request):
            for number in range(20):
                logger.info("%d %s", number, "x" * 1_500)
            return HttpResponse("page")


        urlpatterns = [path("page/", page), path("quick/", lambda request: HttpResponse("quick"))]
    """,
    "wsgi.py": """
        import os

        from django.core.wsgi import get_wsgi_application

        os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
        application = get_wsgi_application()
    """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A gunicorn whose stdout is a pipe that nobody reads."""
    for name, text in SHOP.items():
        (tmp_path / name).write_text(textwrap.dedent(text))
    address = f"127.0.0.1:{free_port()}"
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:django_observe.gunicorn", "-b", address]
    gunicorn += ["-k", "gthread", "--threads", "4", "--graceful-timeout", "5", "wsgi"]
    with (tmp_path / "stderr").open("wb") as err:
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
        process = subprocess.Popen(
            gunicorn, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=err
        )
    try:
        wait_until(lambda: get(f"http://{address}/quick/").status == 200, "gunicorn")
        yield process, f"http://{address}"
    finally:
        process.terminate()
        process.communicate(timeout=60)


def stdout_metrics(url: str) -> dict[str, float]:
    """What /metrics says of the signal `stdout`, by metric, for all reasons together."""
    page = text_string_to_metric_families(get(f"{url}/metrics").text)
    found: dict[str, float] = {}
    for each in (sample for family in page for sample in family.samples):
        if each.labels.get("signal") == "stdout":
            found[each.name] = found.get(each.name, 0) + each.value
    return found


def answered(url: str) -> float:
    """The seconds that an answer took."""
    started = time.monotonic()
    assert get(url).status == 200
    return time.monotonic() - started


def test_gunicorn_answers_while_nobody_reads_its_stdout(shop: tuple[subprocess.Popen[bytes], str]) -> None:
    process, url = shop
    with ThreadPoolExecutor(4) as clients:
        seconds = list(clients.map(lambda _: answered(f"{url}/page/"), range(300)))
    busy = os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
    assert max(seconds) < (10 if busy else 1)
    counts = stdout_metrics(url)
    dropped = counts["observe_telemetry_dropped_total"]
    assert dropped > 0
    assert counts["observe_telemetry_accepted_total"] == (
        dropped + counts["observe_telemetry_queued"] + counts.get("observe_telemetry_exported_total", 0)
    )
    assert process.stdout is not None
    out = process.stdout
    collected: list[bytes] = []
    reading = threading.Thread(target=lambda: collected.extend(out))
    reading.start()
    wait_until(lambda: not stdout_metrics(url)["observe_telemetry_queued"], "an empty backlog")
    get(f"{url}/quick/?after")
    wait_until(lambda: any(b"/quick/" in line for line in collected[1:]), "lines again")
    process.terminate()
    process.wait(30)
    reading.join(30)
    lines = [json.loads(line) for line in collected]
    assert len(lines) > 1_000
    assert process.returncode == 0
