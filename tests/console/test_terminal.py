"""The console from a terminal: following log lines, drawing a trace, taking one to another console."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.order import Order
from tests.console.running import ROOT, Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces
from tests.processes import Process

HOSTILE = "up\x1b[2A\rover\x07 \u202eevil\nsecond \x9b2J line"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running() as started:
        yield started


def command(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "django_observe.cli", *words]
    return subprocess.run(argv, cwd=ROOT, input=text, capture_output=True, text=True, timeout=30, check=False)


def following(console: Console, *words: str) -> Process:
    argv = [sys.executable, "-m", "django_observe.cli", "tail", "--console", console.pages, *words]
    return Process(argv, cwd=ROOT)


def say(console: Console, service: str, message: str, level: int = 9, **told: object) -> None:
    console.send("/v1/logs", logs(service, log(message, severityNumber=level, attributes=attributes(told))))


def test_tail_follows_and_begins_with_the_last_lines(console: Console) -> None:
    say(console, "orders", "before 1")
    say(console, "orders", "before 2", correlation_id="corr-7")
    with following(console, "--lines", "1") as tail:
        assert "corr-7" in tail.wait_for_line("before 2")
        sent = time.monotonic()
        say(console, "auth", "payment refused", 17, stack="Traceback:\n  ValueError: no")
        line = tail.wait_for_line("payment refused")
        assert time.monotonic() - sent < 2
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  ERROR     auth            payment refused", line)
        assert "      ValueError: no" in tail.stdout
        assert "before 1" not in tail.stdout
        assert "\x1b" not in tail.stdout, "colours in a file"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("--service", "b"), {"b debug", "b error"}),
        (("--level", "warning"), {"a error", "b error"}),
        (("--correlation-id", "one"), {"a debug", "b error"}),
        (("--service", "b", "--level", "error", "--correlation-id", "one"), {"b error"}),
    ],
)
def test_tail_shows_only_what_is_asked_for(words: tuple[str, ...], shown: set[str]) -> None:
    with running() as console, following(console, "--json", *words) as tail:
        say(console, "a", "a debug", 5, correlation_id="one")
        say(console, "b", "b debug", 5, correlation_id="two")
        say(console, "a", "a error", 17)
        say(console, "b", "b error", 17, correlation_id="one")
        tail.wait_for(lambda: len(tail.stdout.splitlines()) >= len(shown), "the lines")
        lines = [json.loads(line) for line in tail.stdout.splitlines()]
        assert {line["message"] for line in lines} == shown
        assert all(line["timestamp"] and line["service"] for line in lines)


@pytest.mark.parametrize("colour", ["always", "never"])
def test_no_log_line_steers_the_terminal(console: Console, colour: str) -> None:
    say(console, f"svc{HOSTILE}", f"{HOSTILE} {colour}", correlation_id=f"c{HOSTILE}", stack=HOSTILE)
    with following(console, "--lines", "1", "--colour", colour) as tail:
        tail.wait_for_line(colour)
        harmless(tail.stdout, colour)
        assert "\\r" in tail.stdout
        assert "\\u202e" in tail.stdout


def harmless(text: str, colour: str) -> None:
    """Nothing but our own colours, and line ends."""
    rest = re.sub(r"\x1b\[[0-9;]*m", "", text) if colour == "always" else text
    assert [one for one in rest if not one.isprintable() and one != "\n"] == []


def test_tail_waits_for_a_console_that_ends_and_says_so(tmp_path: Path) -> None:
    with running("--memory") as console, following(console) as tail:
        say(console, "orders", "last words")
        tail.wait_for_line("last words")
        console.process.stop()
        assert "waiting" in tail.wait_for_line("the console has gone")


def test_a_console_that_is_not_there_is_told_with_what_to_do() -> None:
    for words in (["tail"], ["trace", "1" * 32], ["import", "-"]):
        ended = command(*words, "--console", "http://127.0.0.1:9", text='{"resourceSpans": []}')
        assert ended.returncode == 2
        assert "django-observe console" in ended.stderr


def test_what_is_no_address_is_told_so() -> None:
    for wrong in ("http://127.0.0.1:99999", "localhost:x", "["):
        ended = command("tail", "--console", wrong)
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr


def test_what_a_console_answers_cannot_steer_the_terminal(console: Console) -> None:
    ended = command("tail", "--level", HOSTILE, "--console", console.pages)
    assert ended.returncode == 1
    harmless(ended.stderr, "never")


def test_a_token_that_is_missing_is_told_with_what_to_do(console: Console) -> None:
    with running("--memory", "--token") as locked:
        for words in (["tail"], ["trace", "1" * 32], ["import", "-"]):
            ended = command(*words, "--console", locked.pages, text='{"resourceSpans": []}')
            assert (ended.returncode, ended.stdout) == (1, "")
            assert "asks for its token" in ended.stderr
    ended = command("tail", "--console", console.otlp)
    assert ended.returncode == 1
    assert "404" in ended.stderr or "OTLP is received" in ended.stderr


def test_trace_draws_the_waterfall(console: Console) -> None:
    order = Order()
    for path, body in order.requests():
        console.send(path, body)
    ended = command("trace", order.trace_id, "--console", console.pages, "--width", "120")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[0].startswith(
        "POST api/orders/  orders  338 ms  15 spans, 8 log lines, 3 services, 3 failed"
    )
    assert order.correlation_id in lines[1]
    row = {key: next(line for line in lines if key in line) for key in ("run/order_created", "smtp send")}
    assert "(queued 121 ms)" in row["run/order_created"]
    assert re.search("░+█+", row["run/order_created"])
    assert "✗" in row["smtp send"]
    failed = next(number for number, line in enumerate(lines) if "smtp send" in line)
    assert "ERROR mail could not be sent" in "".join(lines[failed : failed + 3])
    bar = row["run/order_created"].index("░"), row["run/order_created"].rindex("█")
    assert bar[0] < row["smtp send"].index("█") <= bar[1] < row["smtp send"].rindex("█") + 5


def test_trace_folds_repeated_calls_and_shows_what_is_missing(console: Console) -> None:
    trace, root = trace_id(), span_id()
    queries = [span(trace, span_id(), "SELECT orders", root, kind=3) for _ in range(37)]
    lost = span(trace, span_id(), f"lost {HOSTILE}", "ab" * 8)
    console.send("/v1/traces", traces("orders", span(trace, root, "root"), *queries, lost))
    drawn = command("trace", trace, "--console", console.pages, "--colour", "always", "--width", "150")
    assert "SELECT orders  x37" in drawn.stdout
    assert f"span {'ab' * 8} has not arrived" in drawn.stdout
    harmless(drawn.stdout, "always")


@pytest.mark.parametrize("columns", [80, 120, 220])
def test_trace_tells_tables_and_the_ends_of_errors(console: Console, columns: int) -> None:
    trace, root, words = trace_id(), span_id(), "because of this "
    refused = f"OperationalError: {words * 20}\n\tConnection refused-"
    sql = attributes({"db.system": "postgresql", "db.statement": 'SELECT "a"."id" FROM "auth_user" AS "a"'})
    queries = [span(trace, span_id(), "SELECT", root, kind=3, attributes=sql) for _ in range(5)]
    failed = span(trace, root, "root", status={"code": 2, "message": refused + "A" * 300 + "END"})
    console.send("/v1/traces", traces("orders", failed, *queries))
    said = log(f"{words * 20}in the end", traceId=trace, spanId=root, severityNumber=17)
    console.send("/v1/logs", logs("orders", said))
    drawn = command("trace", trace, "--console", console.pages, "--width", str(columns)).stdout
    assert max(map(len, drawn.splitlines()[2:])) <= columns  # behind the heading, whose IDs are never cut
    assert "SELECT auth_user  x5" in drawn
    told = " ".join(drawn.split())
    assert f"{(words * 20).strip()} Connection refused-A" in told
    assert re.search(r"AEND$", drawn, re.MULTILINE)
    assert f"{words * 20}in the end" in told


def test_one_of_a_kind_is_told_in_the_singular(console: Console) -> None:
    trace = trace_id()
    console.send("/v1/traces", traces("web", span(trace, span_id())))
    drawn = command("trace", trace, "--console", console.pages).stdout
    assert "1 span, 0 log lines, 1 service\n" in drawn


def test_trace_takes_the_beginning_of_an_id(console: Console) -> None:
    whole = trace_id()
    console.send("/v1/traces", traces("shop", span(whole, span_id(), "GET /begun")))
    shown = command("trace", whole[:12], "--console", console.pages)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"trace {whole}" in shown.stdout


def test_an_unknown_trace_is_an_error(console: Console) -> None:
    for wrong, told in (("1" * 32, "has not arrived"), ("x z", "32 hexadecimal digits")):
        ended = command("trace", wrong, "--console", console.pages)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert told in ended.stderr


def test_a_trace_goes_to_another_console_and_is_the_same_there(console: Console, tmp_path: Path) -> None:
    order = Order()
    with running() as first, running("--memory", "--token") as second:
        for path, body in order.requests():
            first.send(path, body)
        there = f"{second.pages}/?token={second.token}"
        exported = command("trace", order.trace_id, "--json", "--console", first.pages)
        file = tmp_path / "trace.json"
        file.write_text(exported.stdout)
        for sent in (
            "Sent: 15 spans and 8 log lines.",
            "Sent: 0 spans and 0 log lines. There already: 15 spans and 8 log lines.",
        ):
            ended = command("import", str(file), "--console", there)
            assert (ended.returncode, ended.stderr) == (0, "")
            assert ended.stdout.startswith(f"The file has 15 spans and 8 log lines of 1 trace. {sent}\n")
            assert f"{second.pages}/trace/{order.trace_id}" in ended.stdout
        again = command("trace", order.trace_id, "--json", "--console", there)
        assert json.loads(again.stdout) == json.loads(exported.stdout)


def test_import_takes_jaegers_answers_and_a_collectors_lines(console: Console) -> None:
    one, two = (traces("elsewhere", span(trace_id(), span_id())) for _ in range(2))
    for text, count in ((json.dumps({"result": one}), 1), (f"{json.dumps(one)}\n{json.dumps(two)}\n", 2)):
        ended = command("import", "-", "--console", console.pages, text=text)
        plural = "s" * (count - 1)
        told = f"{count} span{plural} and 0 log lines of {count} trace{plural}. Sent: 1 span and 0 log lines."
        assert ended.stdout.startswith(f"The file has {told}"), ended.stderr


def test_import_sends_what_the_console_lacks(console: Console) -> None:
    trace, owner, at = trace_id(), span_id(), time.time_ns()
    said = [log(str(n), traceId=trace, spanId=owner, timeUnixNano=str(at + n)) for n in range(3)]
    console.send("/v1/logs", logs("shop", said[0]))
    file = {
        **traces("shop", span(trace, owner)),
        **logs("shop", *said, log("x", traceId=trace, timeUnixNano="0")),
    }
    ended = command("import", "-", "--console", console.pages, text=json.dumps(file))
    assert "Sent: 1 span and 2 log lines. There already: 0 spans and 2 log lines." in ended.stdout
    assert len(console.json("/api/logs", trace_id=trace)["logs"]) == 3


def test_import_says_why_a_file_cannot_be_read(tmp_path: Path) -> None:
    ended = command("import", str(tmp_path / "nope"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith("nope cannot be read: No such file or directory\n")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", '{"spans": []}', '{"resourceSpans": "x"}',
     '{"resourceSpans": [{"scopeSpans": [{"spans": ["x"]}]}]}'],
)  # fmt: skip
def test_what_is_no_trace_is_told_so(console: Console, text: str) -> None:
    ended = command("import", "-", "--console", console.pages, text=text)
    assert ended.returncode == 1
    assert "is not OTLP/JSON" in ended.stderr


def test_the_export_may_be_posted_as_it_is_and_downloads(console: Console) -> None:
    trace = trace_id()
    console.send("/v1/traces", traces("shop", span(trace, span_id())))
    console.send("/v1/logs", logs("shop", log("line", traceId=trace)))
    answer = console.get(f"/trace/{trace}.json")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="trace-{trace}.json"'
    with running() as other:
        for path in ("/v1/traces", "/v1/logs"):
            assert other.post(path, answer.body).body == b"{}"
        assert other.json("/api/status")["stored"] == {"traces": 1, "spans": 1, "logs": 1}
