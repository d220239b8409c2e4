"""A real Alertmanager with the very configuration: its addresses are replaced, its waits a twentieth."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import rules
from demo_services.ports import free_port
from tests.processes import Process, get, require, wait_until
from tests.stack.rules.silences import HEARD, SILENCED

FOLDER = Path(__file__).parents[2] / "stack" / "alertmanager"
CONFIGURATION = FOLDER / "alertmanager.yml"
FASTER = 20
NAMES = {alert.name for alert in rules.alerts()}

BURN = {"alertname": "ErrorBudgetBurn", "slo": "availability"}


@dataclass(frozen=True, slots=True)
class Stack:
    """Addresses of what runs."""

    alertmanager: str
    webhook: str
    mail: str

    def post(self, *alerts: Mapping[str, str], ended: bool = False) -> None:
        """Tells Alertmanager of alerts that begin now: for those that began long ago it skips group_wait."""
        now = datetime.now(timezone.utc)
        told = [
            {
                "labels": {"environment": "test", "severity": "ticket", **labels},
                "annotations": _texts(labels),
                "startsAt": now.isoformat(),
                "endsAt": (now if ended else now + timedelta(minutes=10)).isoformat(),
            }
            for labels in alerts
        ]
        request = urllib.request.Request(
            f"{self.alertmanager}/api/v2/alerts",
            json.dumps(told).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()

    def messages(self, service: str) -> list[dict[str, Any]]:
        """What the webhook was sent about this service, oldest first."""
        kept = json.loads(get(f"{self.webhook}/alerts").body)
        payloads: list[dict[str, Any]] = [each["payload"] for each in kept]
        return [each for each in payloads if each["groupLabels"].get("service") == service]

    def mails(self, service: str) -> list[dict[str, str]]:
        """The mails about this service, newest first."""
        mails: list[dict[str, str]] = json.loads(get(self.mail).body)
        return [mail for mail in mails if service in mail["subject"]]

    def suppressed(self, labels: Mapping[str, str]) -> bool:
        """Whether another alert silences the one with these labels."""
        wanted = labels.items()
        found = [
            alert
            for alert in json.loads(get(f"{self.alertmanager}/api/v2/alerts").body)
            if wanted <= alert["labels"].items()
        ]
        assert len(found) == 1, found
        return bool(found[0]["status"]["inhibitedBy"])


def _texts(labels: Mapping[str, str]) -> dict[str, str]:
    return {
        "summary": f"{labels.get('service', 'stack')} (test): {labels['alertname']} since 07:21 UTC",
        "description": "What it means.",
        "runbook_url": "http://localhost:3000/d/observe-runbook?viewPanel=panel-7",
        "dashboard_url": "http://localhost:3000/d/observe-service",
        "logs_url": "http://localhost:3000/explore",
    }


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    program = require("prometheus-alertmanager", "prometheus-alertmanager")
    webhook, smtp, mail, port = (free_port() for _ in range(4))
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "templates").symlink_to(FOLDER / "templates")
    text = CONFIGURATION.read_text()
    for ours, theirs in (("alertsink:8080", f"127.0.0.1:{webhook}"), ("mailpit:1025", f"127.0.0.1:{smtp}")):
        assert text.count(ours) == 1
        text = text.replace(ours, theirs)
    text = re.sub(r"(group_wait|group_interval): (\d+)([sm])", _faster, text)
    (folder / "alertmanager.yml").write_text(text)
    argv = [program, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'data'}"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    sink = f"from demo_services import alertsink; alertsink.serve('127.0.0.1', {webhook})"
    post = f"from demo_services import mailserver; mailserver.serve({smtp}, {mail})"
    with (
        Process([sys.executable, "-c", sink]) as first,
        Process([sys.executable, "-c", post]) as second,
        Process(argv) as alertmanager,
    ):
        first.wait_for_http(f"http://127.0.0.1:{webhook}/alerts")
        second.wait_for_http(f"http://127.0.0.1:{mail}/")
        ready = f"http://127.0.0.1:{port}/-/ready"
        alertmanager.wait_for(lambda: get(ready).status == 200, "Alertmanager")
        yield Stack(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{webhook}", f"http://127.0.0.1:{mail}/")


def _faster(found: re.Match[str]) -> str:
    seconds = int(found[2]) * {"s": 1, "m": 60}[found[3]]
    return f"{found[1]}: {1000 * seconds // FASTER}ms"


def test_one_message_for_one_alert_of_one_service(stack: Stack) -> None:
    failing = {"alertname": "CeleryTaskFailures", "service": "grouped"}
    stack.post(
        {**failing, "name": "shop.mail"}, {**failing, "name": "shop.bill"}, {**failing, "service": "alone"}
    )

    wait_until(lambda: stack.messages("grouped") and stack.messages("alone"), "two messages")
    (grouped,), (alone,) = stack.messages("grouped"), stack.messages("alone")
    assert {alert["labels"]["name"] for alert in grouped["alerts"]} == {"shop.mail", "shop.bill"}
    assert grouped["groupLabels"] == {**failing, "environment": "test"}
    assert len(alone["alerts"]) == 1


def test_the_end_is_told_as_well(stack: Stack) -> None:
    alert = {**BURN, "severity": "page", "service": "healed"}
    stack.post(alert)
    wait_until(lambda: stack.messages("healed"), "the alert")
    stack.post(alert, ended=True)
    wait_until(lambda: len(stack.messages("healed")) > 1, "its end")

    assert [message["status"] for message in stack.messages("healed")] == ["firing", "resolved"]
    wait_until(lambda: len(stack.mails("healed")) > 1, "two mails")
    last, first = stack.mails("healed")
    assert first["subject"] == "PAGE healed (test): ErrorBudgetBurn since 07:21 UTC"
    assert last["subject"] == "RESOLVED healed (test): ErrorBudgetBurn since 07:21 UTC"


def test_a_mail_reads_well_on_a_phone(stack: Stack) -> None:
    failing = {"alertname": "DependencyFailing", "service": "mailed"}
    stack.post({**failing, "server_address": "auth"}, {**failing, "server_address": "payment"})

    wait_until(lambda: stack.mails("mailed"), "the mail")
    (mail,) = stack.mails("mailed")
    assert mail["subject"] == "TICKET mailed (test): DependencyFailing since 07:21 UTC (2 in all)"
    one = """mailed (test): DependencyFailing since 07:21 UTC

What it means.
Since TODAY.

Dashboard: http://localhost:3000/d/observe-service

Log lines: http://localhost:3000/explore

What to do: http://localhost:3000/d/observe-runbook?viewPanel=panel-7

"""
    body = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TODAY", mail["body"].replace("\r\n", "\n"))
    assert body.startswith(one + one)


def test_one_cause_one_message(stack: Stack) -> None:
    stack.post(*[alert for pair in (*SILENCED, *HEARD) for alert in pair])

    wait_until(lambda: all(stack.suppressed(_exactly(target)) for _, target in SILENCED), "silence")
    assert [target for _, target in HEARD if stack.suppressed(_exactly(target))] == []
    wait_until(lambda: all(stack.messages(target["service"]) for _, target in HEARD), "what is not silenced")
    told = wait_until(lambda: stack.messages("a1"), "the page")
    assert {alert["labels"]["severity"] for message in told for alert in message["alerts"]} == {"page"}


def _exactly(labels: Mapping[str, str]) -> dict[str, str]:
    return {"severity": "ticket", **labels}


def test_nobody_is_told_of_the_watchdog(stack: Stack) -> None:
    route = ["amtool", "config", "routes", "test", f"--config.file={CONFIGURATION}"]
    require("amtool", "prometheus-alertmanager")
    receivers = {
        severity: subprocess.run(
            [*route, f"alertname={name}", f"severity={severity}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        for name, severity in (("Watchdog", "none"), ("ServiceAbsent", "page"), ("BadVersion", "ticket"))
    }

    assert receivers == {"none": "nobody", "page": "team", "ticket": "team"}


def test_inhibition_names_alerts_that_exist() -> None:
    text = CONFIGURATION.read_text()
    patterns = re.findall(r'alertname=~?"([^"]+)"', text)

    assert patterns
    for pattern in patterns:
        for part in re.sub(r"\((\w+)\|(\w+)\)(\w+)", r"\1\3|\2\3", pattern).split("|"):
            assert any(re.fullmatch(part, name) for name in NAMES), part


def test_a_receivers_secret_lies_where_git_does_not_look() -> None:
    receivers = "".join(path.read_text() for path in FOLDER.glob("receivers/*.yml"))
    folders = re.findall(r"_file: /etc/(.+/)\w+$", receivers, re.MULTILINE)

    assert len(folders) == 3
    ignored = (FOLDER.parents[1] / ".gitignore").read_text().splitlines()
    assert {f"stack/{folder}" for folder in folders} <= set(ignored)


@pytest.mark.parametrize(
    "path", [None, *sorted(FOLDER.glob("receivers/*.yml"))], ids=lambda path: path and path.stem
)
def test_alertmanager_takes_the_configuration_and_each_receiver(path: Path | None, tmp_path: Path) -> None:
    amtool = require("amtool", "prometheus-alertmanager")
    document = yaml.safe_load(CONFIGURATION.read_text())
    if path:
        (receiver,) = yaml.safe_load(path.read_text())
        document["receivers"].append(receiver)
        document["route"]["receiver"] = receiver["name"]
    (tmp_path / "templates").symlink_to(FOLDER / "templates")
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(document))

    done = subprocess.run(
        [amtool, "check-config", tmp_path / "alertmanager.yml"], check=False, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
