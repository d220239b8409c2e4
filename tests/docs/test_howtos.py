"""What the how-to pages promise is done: rules tried, settings run, reporters told, names looked up."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from django.test import Client, override_settings
from opentelemetry.util.re import parse_env_headers

from dashboards import promql
from django_observe import conf, instrumentation, reporting, vocabulary
from django_observe.testing import captured
from tests.docs import blocks
from tests.processes import require

HOW_TO = blocks.ROOT / "docs/how-to"
PAGES = sorted(HOW_TO.glob("*.md"))
FIELDS = {value for name, value in vars(vocabulary.Field).items() if name.isupper()}
OUR_SWITCHES = {"urllib", "celery", "django_tasks", "channels", "threading"}


def examples(page: str, language: str) -> list[str]:
    return [block.text for block in blocks.of_page(HOW_TO / page) if block.language == language]


def with_part(page: str, part: str) -> dict[str, Any]:
    """What the page's one block of Python with `part` defines."""
    [code] = [text for text in examples(page, "python") if part in text]
    names: dict[str, Any] = {"__name__": "shop.reporters"}
    exec(code, names)  # noqa: S102 - our own page
    return names


def test_the_rule_fires_and_stays_quiet(tmp_path: Path) -> None:
    promtool = require("promtool", "prometheus")
    _, rule, cases, *_ = examples("write-alert.md", "yaml")
    (tmp_path / "shop.yml").write_text(rule)
    (tmp_path / "shop_test.yml").write_text(cases)

    command = [promtool, "test", "rules", "shop_test.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_asks_for_the_metric_that_the_page_counts() -> None:
    page = "add-metric-to-dashboard.md"
    [dashboard] = map(json.loads, examples(page, "json"))
    [asked] = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    metrics, labels = promql.names(promql.concrete(asked))
    [counted] = re.findall(r'Counter\("(\w+)", "[^"]+", \["(\w+)"\]\)', "".join(examples(page, "python")))
    assert metrics == {f"{counted[0]}_total"}
    assert labels == {counted[1], "service"}


def test_more_is_redacted() -> None:
    given = with_part("redact-more.md", "SCRUB_PATTERNS")["DJANGO_OBSERVE"]
    with override_settings(DJANGO_OBSERVE=given):
        with_part("redact-more.md", "def test_no_iban_leaves")["test_no_iban_leaves"]()
    with pytest.raises(AssertionError):
        with_part("redact-more.md", "def test_no_iban_leaves")["test_no_iban_leaves"]()


@pytest.fixture
def reporters() -> Iterator[None]:
    ours = reporting.reporters()
    yield
    reporting.set_reporters(ours)


@pytest.mark.usefixtures("reporters")
def test_a_reporter_of_ones_own_is_told() -> None:
    module = with_part("replace-a-reporter.md", "def statsd")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        module["STATSD"] = receiver.getsockname()
        reporting.set_reporters((module["statsd"],))
        Client().get("/ok/")
        told = receiver.recv(512).decode()
    module["_socket"].close()

    assert re.fullmatch(r"shop\.requests\.200:1\|c\nshop\.latency:\d+\|ms", told)


@pytest.mark.usefixtures("reporters")
def test_only_lines_that_are_worth_it() -> None:
    reporting.set_reporters((with_part("replace-a-reporter.md", "def worth_a_line")["worth_a_line"],))
    with captured() as telemetry:
        Client().get("/ok/")
        Client(raise_request_exception=False).get("/boom/")

    assert [line["status"] for line in telemetry.lines if line.get("event") == "request"] == [500]


def test_a_reporter_beside_ours_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    billed = with_part("replace-a-reporter.md", "def billed")["billed"]
    with captured() as telemetry:
        Client().get("/ok/", headers={"X-Correlation-ID": "order-4711-a"})
    for record in telemetry.records:
        billed(record)

    assert capsys.readouterr().out.startswith("order-4711-a GET ok/ 200")


def test_filebeat_renames_fields_that_there_are() -> None:
    shipped = yaml.safe_load(examples("elk.md", "yaml")[0])
    renamed = [
        each["from"] for step in shipped["processors"] for each in step.get("rename", {}).get("fields", ())
    ]
    assert {name.removeprefix("django.") for name in renamed} <= FIELDS
    assert {"django.service", "django.message", "django.trace_id"} <= set(renamed)


def test_grafana_clouds_header_is_read() -> None:
    [sentence] = re.findall(r"write\n +(`Basic.*?), and the header", (HOW_TO / "otlp-vendor.md").read_text())
    spellings = [text.replace("...", "OmdsYw=") for text in re.findall(r"`([^`]+)`", sentence)]
    read = [parse_env_headers(f"Authorization={text}", liberal=True) for text in spellings]
    assert read == 3 * [{"authorization": "Basic MTIzOmdsYw=="}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_named_exist(page: Path) -> None:
    """In a sentence or a table, as `"LOGS": False`; blocks are read by test_blocks.py."""
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(?:DJANGO_OBSERVE = \{)?\"([A-Z][A-Z_]+)\": ", prose))
    assert named - conf.keys().keys() == set()


def test_what_is_switched_off_has_these_names() -> None:
    [row] = re.findall(
        r"`OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=([\w,]+)` \(\[names",
        (HOW_TO / "switch-off-a-part.md").read_text(),
    )
    assert set(row.split(",")) <= {*instrumentation.NAMES, *OUR_SWITCHES}


def test_a_worker_that_ends_calls_ours() -> None:
    """Without what it imports, which prepares the process for several workers."""
    [text] = [text for text in examples("serve.md", "python") if "worker_exit" in text]
    called: list[object] = []
    ours = SimpleNamespace(worker_exit=lambda _, worker: called.append(worker))
    code = re.sub(r"^from django_observe.*\n", "", text, flags=re.MULTILINE)
    names: dict[str, Any] = {"observe": ours, "close_the_pool": lambda: called.append("pool")}
    exec(code, names)  # noqa: S102 - our own page
    names["worker_exit"](None, 7)
    assert called == ["pool", 7]
