"""The webhook of Alertmanager: keeps, shows and bounds what it is sent, and refuses what is none of it."""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from demo_services.alertsink import KEPT_ALERTS, MOST_BYTES
from demo_services.ports import free_port
from tests.browser.conftest import browser, page
from tests.demo.shop import ROOT
from tests.processes import Process, require, wait_until

__all__ = ["browser", "page"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a running webhook."""
    port = free_port()
    call = f"from demo_services import alertsink; alertsink.serve('127.0.0.1', {port})"
    with Process([sys.executable, "-c", call], cwd=ROOT) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/alerts")
        yield port


@pytest.fixture
def sink(port: int) -> str:
    """The webhook's URL; it is empty."""
    requests.delete(f"http://127.0.0.1:{port}/alerts", timeout=5).raise_for_status()
    return f"http://127.0.0.1:{port}"


def alert(name: str = "ErrorBudgetBurn", status: str = "firing", **annotations: str) -> dict[str, Any]:
    """An alert as Alertmanager's webhook has it."""
    return {
        "status": status,
        "labels": {"alertname": name, "service": "orders", "severity": "page"},
        "annotations": {"summary": f"{name} of orders", **annotations},
        "startsAt": "2026-01-02T03:04:05.678Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=up",
        "fingerprint": "0123456789abcdef",
    }


def send(sink: str, *alerts: dict[str, Any], **more: Any) -> requests.Response:
    """A notification, as Alertmanager sends it."""
    payload = {"version": "4", "groupKey": "{}", "status": "firing", "alerts": alerts, **more}
    return requests.post(f"{sink}/", json=payload, timeout=5)


def kept(sink: str) -> list[dict[str, Any]]:
    """What the webhook tells as JSON."""
    entries: list[dict[str, Any]] = requests.get(f"{sink}/alerts", timeout=5).json()
    return entries


def test_list(sink: str) -> None:
    """In order of arrival, each with its time and exactly as it was sent; DELETE empties it."""
    started = time.time()
    for name in ("First", "Second"):
        assert send(sink, alert(name), receiver="page").status_code == 200
    first, second = kept(sink)
    assert [entry["payload"]["alerts"] for entry in (first, second)] == [[alert("First")], [alert("Second")]]
    assert first["payload"]["receiver"] == "page"
    assert started <= first["at"] <= second["at"] <= time.time()
    assert requests.delete(f"{sink}/alerts", timeout=5).json() == []
    assert kept(sink) == []


def test_page(sink: str, page: Page) -> None:
    """What fires comes before what is over, with links that are web addresses, and texts are only text."""
    send(sink, alert("Burning", logs_url="http://127.0.0.1:3000/explore", runbook_url="javascript:alert(1)"))
    send(sink, alert("Over"))
    send(sink, alert("Over", "resolved"), alert("Odd", summary="<script>alert(1)</script>{0}"))
    page.goto(sink)
    expect(page.get_by_role("heading", level=1)).to_have_text("2 alerts firing")
    expect(page.get_by_role("heading", level=2)).to_have_text("1 resolved")
    names = page.get_by_role("heading", level=3).all_text_contents()
    assert [name.split()[0] for name in names] == ["Odd", "Burning", "Over"]
    expect(page.get_by_text("<script>alert(1)</script>{0}")).to_be_visible()
    logs = page.get_by_role("link", name="Log lines")
    expect(logs).to_have_attribute("href", "http://127.0.0.1:3000/explore")
    expect(page.get_by_role("link", name="Runbook")).to_have_count(0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"alerts",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b'{"version": "3", "alerts": []}',
        b'{"version": "4"}',
        b'{"version": "4", "alerts": {}}',
        b'{"version": "4", "alerts": [1]}',
        b'{"version": "4", "alerts": [{"status": "firing", "labels": {}}]}',
        b'{"version": "4", "alerts": [{"status": "firing", "labels": {"a": 1}, "annotations": {}}]}',
        b'{"version": "4", "alerts": [{"status": "loud", "labels": {}, "annotations": {}}]}',
        json.dumps({"version": "4", "alerts": [alert()] * (KEPT_ALERTS + 1)}).encode(),
    ],
)
def test_bad_notification(sink: str, body: bytes) -> None:
    """A 400 in words; nothing is kept, and the page still comes."""
    answer = requests.post(f"{sink}/", data=body, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert kept(sink) == []
    assert requests.get(f"{sink}/", timeout=5).ok


@pytest.mark.parametrize(("length", "status"), [(str(MOST_BYTES + 1), 413), ("-1", 413), (None, 411)])
def test_body_without_bounds(port: int, length: str | None, status: int) -> None:
    """A body that is too long, or of unknown length, is not read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest("POST", "/")
    if length is not None:
        connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


def test_oldest_make_room(sink: str) -> None:
    """The last 500 alerts are kept, by whole notifications."""
    for number in range(3):
        assert send(sink, *[alert(f"A{number}")] * 200).ok
    names = [entry["payload"]["alerts"][0]["labels"]["alertname"] for entry in kept(sink)]
    assert names == ["A1", "A2"]


def test_nothing_else_is_there(sink: str) -> None:
    """Other addresses say which ones there are."""
    for method, path in (("GET", "/x"), ("POST", "/alerts"), ("DELETE", "/")):
        answer = requests.request(method, f"{sink}{path}", json={}, timeout=5)
        assert answer.status_code == 404
        assert "/" in answer.json()["detail"]


def test_from_alertmanager(sink: str, tmp_path: Path) -> None:
    """A real Alertmanager finds its notification taken."""
    program, listen = require("prometheus-alertmanager", "prometheus-alertmanager"), free_port()
    configuration = tmp_path / "alertmanager.yml"
    configuration.write_text(
        "route: {receiver: webhook, group_wait: 0s}\n"
        f"receivers: [{{name: webhook, webhook_configs: [{{url: '{sink}/'}}]}}]\n"
    )
    argv = [
        program,
        f"--config.file={configuration}",
        f"--storage.path={tmp_path}",
        "--cluster.listen-address=",
    ]
    url = f"http://127.0.0.1:{listen}"
    with Process([*argv, f"--web.listen-address=127.0.0.1:{listen}"]) as alertmanager:
        alertmanager.wait_for_http(f"{url}/-/ready")
        labels = {"labels": {"alertname": "Real"}, "annotations": {"summary": "It is real."}}
        assert requests.post(f"{url}/api/v2/alerts", json=[labels], timeout=5).ok
        [entry] = wait_until(lambda: kept(sink), "the notification")
        assert entry["payload"]["alerts"][0]["annotations"] == {"summary": "It is real."}
        assert "Notify attempt failed" not in alertmanager.stderr
