"""One drill: quiet, an incident, exactly the right alerts, where their link leads, and quiet again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from demo_services.drills.evidence import Evidence, follow, seconds_of
from demo_services.drills.incidents import Incident, Key
from demo_services.drills.logselection import Line
from demo_services.drills.monitoring import Monitoring
from demo_services.drills.shop import Shop
from demo_services.drills.webhook import Notice, Webhook

POLL_SECONDS = 0.5
QUIET, DETECT, COLLECT, RESOLVE = 60, 480, 120, 900
"""Seconds at pace 1. The first drill of a run has FIRST_QUIET before it."""
FIRST_QUIET = 300
SLOWEST_EVIDENCE = 30
"""Seconds, at any pace: exporters send every half second, and the machine may be busy."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a drill has shown; times are seconds at the drill's pace, None for what did not come to be."""

    incident: Incident
    noise: frozenset[Key]
    alerts: frozenset[Key]
    detected: float | None
    complete: float | None
    resolved: float | None
    evidence: Evidence | None

    @property
    def passed(self) -> bool:
        """Whether all went as it should."""
        return not self.faults

    @property
    def faults(self) -> list[str]:
        """What did not, in words."""
        found = [
            (self.noise, f"before the incident: {told(self.noise)}"),
            (self.resolved is None, "not resolved"),
            (self.evidence is None or not self.evidence.complete, "the link does not lead to line and trace"),
        ]
        return [*wrong_alerts(self.incident, self.alerts), *(text for wrong, text in found if wrong)]


def wrong_alerts(incident: Incident, alerts: frozenset[Key]) -> list[str]:
    """Which expected alerts did not come, and which others did, in words."""
    missing, strange = incident.expected - alerts, alerts - incident.expected - incident.may_follow
    return [
        *([f"missing: {told(missing)}"] if missing else []),
        *([f"too many: {told(strange)}"] if strange else []),
    ]


def told(keys: frozenset[Key]) -> str:
    """Alerts as text."""
    return ", ".join(f"{name}({service})" if service else name for name, service in sorted(keys)) or "none"


@dataclass(frozen=True, slots=True)
class Drill:
    """Where an incident is played: a shop under load, and a fresh monitoring that tells a webhook."""

    shop: Shop
    monitoring: Monitoring
    webhook: Webhook
    say: Callable[[str], None]

    def play(self, incident: Incident, quiet: float) -> Outcome:
        """Play it from quiet to quiet; whatever happens, the incident is healed in the end."""
        began = time.time()
        self.shop.witness = ""
        self._pass(quiet)
        noise = self._alerts(began) | self.monitoring.firing()
        self.say(f"{quiet / self._pace:.0f} quiet seconds: {told(noise)}")
        broken = time.time()
        try:
            incident.inject(self.shop)
            detected, complete = self._observe(incident, broken)
            evidence = None if incident.read_after else self._evidence(incident, broken)
        finally:
            incident.heal(self.shop)
        resolved = self._resolve(broken)
        if incident.read_after:
            evidence = self._evidence(incident, broken)
        alerts = frozenset(notice.key for notice in self.webhook.since(began) if notice.firing)
        return Outcome(incident, noise, alerts - noise, detected, complete, resolved, evidence)

    def _observe(self, incident: Incident, broken: float) -> tuple[float | None, float | None]:
        """Seconds to the first expected alert and to all; then a while longer, for what is too many."""
        first = self._until(lambda: bool(incident.expected & self._alerts(broken)), DETECT)
        if first is None:
            self.say(f"no expected alert; told: {told(self._alerts(broken))}")
            return None, None
        detected = min(notice.at for notice in self.webhook.since(broken) if notice.key in incident.expected)
        self.say(f"first alert after {detected - broken:.1f} s: {told(self._alerts(broken))}")
        complete = self._until(lambda: incident.expected <= self._alerts(broken), DETECT)
        self._pass(COLLECT)
        self.say(f"alerts while broken: {told(self._alerts(broken))}")
        return detected - broken, complete and complete - broken

    def _resolve(self, broken: float) -> float | None:
        """Seconds from healing until every alert that was told has been told as resolved."""
        healed = time.time()
        end = self._until(lambda: not self.webhook.open(broken) and not self.monitoring.firing(), RESOLVE)
        if end is None:
            left = self.webhook.open(broken) | self.monitoring.firing()
            self.say(f"not resolved: {told(left)}")
            return None
        self.say(f"resolved after {end - healed:.1f} s")
        return end - healed

    def _evidence(self, incident: Incident, broken: float) -> Evidence | None:
        """What the incident's telling alert leads to; asked again while telemetry is under way."""
        notice = self._telling(incident, broken)
        if notice is None:
            return None
        console = self.shop.plan.ports.url("console")
        environment = notice.labels.get("environment", "")
        deadline = time.time() + SLOWEST_EVIDENCE

        def offends(line: Line) -> bool:
            return incident.offends(line) and (seconds_of(line) < broken) is incident.silent

        while True:
            evidence = follow(
                notice.annotations["logs_url"], console, environment, offends, self.shop.witness
            )
            if evidence.complete or time.time() > deadline:
                return evidence
            time.sleep(POLL_SECONDS)

    def _telling(self, incident: Incident, broken: float) -> Notice | None:
        notices = self.webhook.since(broken)
        return next((notice for notice in notices if notice.key == incident.telling), None)

    def _alerts(self, moment: float) -> frozenset[Key]:
        return frozenset(notice.key for notice in self.webhook.since(moment) if notice.firing)

    def _until(self, condition: Callable[[], bool], seconds: float) -> float | None:
        """When the condition came true; None when it did not in so many seconds at pace 1."""
        deadline = time.time() + seconds / self._pace + SLOWEST_EVIDENCE
        while not condition():
            if time.time() > deadline:
                return None
            self.shop.watch()
            time.sleep(POLL_SECONDS)
        return time.time()

    def _pass(self, seconds: float) -> None:
        end = time.time() + seconds / self._pace
        while time.time() < end:
            self.shop.watch()
            time.sleep(POLL_SECONDS)

    @property
    def _pace(self) -> float:
        return self.monitoring.configuration.pace
