"""All that a console keeps, taken to another one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.console.order import Order
from tests.console.running import ROOT, request, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces


def test_all_of_it_goes_to_another_console_and_is_the_same_there(tmp_path: Path) -> None:
    file = tmp_path / "telemetry.jsonl"
    with running() as first, running() as second:
        for path, body in Order().requests():
            first.send(path, body)
        many = [span(trace_id(), span_id()) for _ in range(600)]  # more than are read at once
        first.send("/v1/traces", traces("many", *many))
        first.send("/v1/logs", logs("many", *(log(f"of no trace {number}") for number in range(700))))
        first.send("/v1/logs", logs("many", log("no end\u2028of\x85a line")))
        answer = first.get("/export.jsonl")
        assert 'filename="telemetry.jsonl"' in answer.headers["Content-Disposition"]
        file.write_bytes(answer.body)
        words = [sys.executable, "-m", "django_observe.cli", "import", str(file), "--console", second.pages]
        ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert second.json("/api/status")["stored"] == {"traces": 601, "spans": 615, "logs": 709}
        there = second.get("/export.jsonl").body
    assert sorted(map(seen, there.splitlines())) == sorted(map(seen, answer.body.splitlines()))


def seen(line: bytes) -> str:
    """A line with its keys in order: two consoles list what came at the same moment in their own order."""
    return json.dumps(json.loads(line), sort_keys=True)


def test_secrets_are_masked_and_nobody_else_may_ask() -> None:
    with running() as console:
        secret = attributes({"password": "s3cr3t"})
        console.send("/v1/traces", traces("shop", span(trace_id(), span_id(), attributes=secret)))
        console.send("/v1/logs", logs("shop", log("line", attributes=secret)))
        text = console.get("/export.jsonl").text
        assert len(text.splitlines()) == 2
        assert "s3cr3t" not in text
        assert text.count("[redacted]") == 2
        assert request("POST", f"{console.pages}/export.jsonl", b"").status == 403
        assert console.get("/export.jsonl", {"Sec-Fetch-Site": "cross-site"}).status == 403
