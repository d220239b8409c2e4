"""What the webhook has been told: the demo's own page of alerts, asked for its list."""

from dataclasses import dataclass

import requests

HTTP_SECONDS = 10
WATCHDOG = "none"
"""The severity of the alert that always fires, to show that the way to the webhook is open."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert of one notification, and when (Unix seconds) it came in."""

    at: float
    firing: bool
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def key(self) -> tuple[str, str]:
        """Alert name and service, by which drills tell alerts apart."""
        return self.labels["alertname"], self.labels.get("service", "")


@dataclass(frozen=True, slots=True)
class Webhook:
    """The webhook at this address."""

    url: str

    def since(self, moment: float) -> list[Notice]:
        """What came in after a moment (Unix seconds), in the order in which it came."""
        response = requests.get(f"{self.url}/alerts", timeout=HTTP_SECONDS)
        response.raise_for_status()
        return [
            Notice(notification["at"], alert["status"] == "firing", alert["labels"], alert["annotations"])
            for notification in response.json()
            if notification["at"] >= moment
            for alert in notification["payload"]["alerts"]
            if alert["labels"].get("severity") != WATCHDOG
        ]

    def open(self, moment: float) -> frozenset[tuple[str, str]]:
        """The alerts told as firing since a moment and not yet told as resolved."""
        last = {tuple(sorted(notice.labels.items())): notice for notice in self.since(moment)}
        return frozenset(notice.key for notice in last.values() if notice.firing)
