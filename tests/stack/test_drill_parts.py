"""Parts of a drill: the laid configuration, its pace, the links of alerts, what the webhook was told."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests
import yaml

from dashboards import links, rules
from dashboards.rules.rule import Alert
from demo_services.alertsink import Server
from demo_services.drills import history, logselection
from demo_services.drills.addresses import Addresses
from demo_services.drills.configuration import Configuration
from demo_services.drills.durations import divided, faster
from demo_services.drills.evidence import Link
from demo_services.drills.webhook import Webhook
from demo_services.ports import Ports
from tests.processes import require


@pytest.mark.parametrize(
    ("duration", "paced"),
    [("15s", "1500ms"), ("1h30m", "540000ms"), ("5ms", "1ms"), ("1ms", "1ms"), ("0s", "0s")],
)
def test_ten_times_as_fast(duration: str, paced: str) -> None:
    """A duration is divided, to a millisecond and not to nothing."""
    assert divided(duration, 10) == paced


def test_only_durations_change() -> None:
    """Numbers, names and texts with a duration in them stay as they are."""
    document = {
        "interval": "1m",
        "limit": 20000,
        "targets": ["auth:8000"],
        "text": "for 5m",
        "deep": [{"for": "2s"}],
    }
    assert faster(document, 2) == {**document, "interval": "30000ms", "deep": [{"for": "1000ms"}]}


@pytest.mark.parametrize("pace", [1, 10])
def test_laid_configuration_loads(tmp_path: Path, pace: int) -> None:
    """The shipped files, at native addresses and at any pace, are what Prometheus and Alertmanager accept."""
    configuration = Configuration(tmp_path, Ports(), Addresses(9090, 9093, 9094), pace)
    configuration.lay()
    for words in (
        [require("promtool", "prometheus"), "check", "config", str(configuration.prometheus)],
        [require("amtool", "prometheus-alertmanager"), "check-config", str(configuration.alertmanager)],
    ):
        checked = subprocess.run(words, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_laid_rules_are_the_built_ones(tmp_path: Path) -> None:
    """At pace 1 a drill runs the very rules that are committed."""
    configuration = Configuration(tmp_path, Ports(), Addresses(9090, 9093, 9094), 1)
    configuration.lay()
    built = Path(rules.__file__).parents[1] / "built" / "prometheus"
    laid = {path.name: path.read_text() for path in (configuration.prometheus.parent / "rules").iterdir()}
    assert laid == {path.name: path.read_text() for path in built.glob("*.yml")}


def test_second_orders_comes_and_goes(tmp_path: Path) -> None:
    """The canary is one more target of orders while it is watched."""
    configuration = Configuration(tmp_path, Ports(), Addresses(9090, 9093, 9094), 1)

    def orders() -> list[str]:
        entries = yaml.safe_load((tmp_path / "prometheus/targets/django.yml").read_text())
        [found] = [entry["targets"] for entry in entries if entry["labels"]["service"] == "orders"]
        return list(found)

    configuration.watch(canary=True)
    assert orders() == ["127.0.0.1:8002", "127.0.0.1:8005"]
    configuration.watch(canary=False)
    assert orders() == ["127.0.0.1:8002"]


def test_link_is_read_as_grafana_does() -> None:
    """Query and times of a link to Explore, absolute and relative."""
    query = '{service_name="orders"} | severity_text=~"ERROR|CRITICAL"'
    assert Link.read(links.logs_url(query, "1700000000000", "1700000060000")) == Link(
        query, 1.7e9, 1.7e9 + 60
    )
    relative = Link.read(links.logs_url(query, "now-1h", "now"))
    assert relative.end == pytest.approx(time.time(), abs=5)
    assert relative.end - relative.start == pytest.approx(3600, abs=1)


@pytest.mark.parametrize("alert", rules.alerts(), ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_every_alerts_link_can_be_followed(alert: Alert) -> None:
    """The LogQL of each alert is of the kind that drills understand, whatever its labels are."""
    url = re.sub(r"\{\{.*?\}\}", "1700000000000", alert.annotations()["logs_url"])
    assert logselection.conditions(Link.read(url).query)


PAGE = """\
django_http_responses_total_by_status_total{status="200"} 90.0
django_http_responses_total_by_status_total{status="503"} 10.0
# TYPE django_http_requests_latency_including_middlewares_seconds histogram
django_http_requests_latency_including_middlewares_seconds_bucket{le="0.05"} 50.0
django_http_requests_latency_including_middlewares_seconds_bucket{le="0.5"} 80.0
django_http_requests_latency_including_middlewares_seconds_bucket{le="+Inf"} 100.0
django_http_requests_latency_including_middlewares_seconds_count 100.0
observe_info{service="orders"} 1.0
"""


def test_the_past_was_quiet() -> None:
    """Backfilled counters lead up to the present ones, without errors and without slow requests."""
    grown = {(name.rsplit("_", 1)[1], *labels.values()): by for name, labels, _, by in history.samples(PAGE)}
    assert grown == {
        ("total", "200"): 90,
        ("total", "503"): 0,
        ("bucket", "0.05"): 0,
        ("bucket", "0.5"): 100,
        ("bucket", "+Inf"): 100,
        ("count",): 100,
    }


def test_webhook_tells_what_is_open() -> None:
    """Firing and then resolved is over; the watchdog does not count."""
    server = Server("127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    webhook = Webhook(url)

    def send(status: str, name: str, severity: str = "page") -> None:
        labels = {"alertname": name, "service": "orders", "severity": severity}
        alert = {"status": status, "labels": labels, "annotations": {}}
        requests.post(f"{url}/", json={"version": "4", "alerts": [alert]}, timeout=5).raise_for_status()

    try:
        send("firing", "ErrorBudgetBurn")
        send("firing", "BadVersion", "ticket")
        send("firing", "Watchdog", "none")
        assert webhook.open(0) == {("ErrorBudgetBurn", "orders"), ("BadVersion", "orders")}
        send("resolved", "ErrorBudgetBurn")
        assert webhook.open(0) == {("BadVersion", "orders")}
        assert [notice.key[0] for notice in webhook.since(0) if notice.firing] == [
            "ErrorBudgetBurn",
            "BadVersion",
        ]
        assert webhook.open(time.time() + 60) == frozenset()
    finally:
        server.shutdown()
        server.server_close()
