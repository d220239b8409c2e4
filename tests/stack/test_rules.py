"""The alerts by promtool: each fires with exactly its labels and texts, and stays quiet just below.

`pytest -rP` shows how many cases each alert has.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards import known, links, rules, runbook, scrape
from dashboards.__main__ import BUILT
from dashboards.reading import Reader
from dashboards.rules import errorlogs, slo, versions, yamlfile
from dashboards.rules.expressions import SERVICE_KEYS
from dashboards.rules.pace import MINUTE, Pace
from dashboards.rules.rule import Alert, Group, Record
from tests.processes import require
from tests.stack import grafanacheck
from tests.stack.rules import (
    budgets,
    databases,
    dependencies,
    objectives,
    presence,
    tasks,
    telemetry,
    workers,
)
from tests.stack.rules import stack as parts
from tests.stack.rules import versions as version_cases
from tests.stack.rules.case import Case
from tests.stack.test_dashboards import LOG_LABELS

MODULES = (
    budgets,
    objectives,
    presence,
    dependencies,
    databases,
    tasks,
    workers,
    version_cases,
    telemetry,
    parts,
)
CASES: tuple[Case, ...] = tuple(case for module in MODULES for case in module.CASES)
ROOT = Path(__file__).parents[2]
BY_PROMETHEUS = [alert for group in rules.alerting(Pace()) for alert in group.alerts]
GROUPS: list[Group] = [*rules.recording(Pace()), *rules.alerting(Pace())]
RULES: list[Record | Alert] = [rule for group in GROUPS for rule in group.rules]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_alert(case: Case, tmp_path: Path) -> None:
    said = case.run(tmp_path)

    assert not said, said


def test_every_alert_has_a_case_that_fires_and_one_that_stays_quiet() -> None:
    fire = Counter(case.alert for case in CASES if case.expected)
    quiet = Counter(case.alert for case in CASES if not case.expected)
    names = {alert.name for alert in BY_PROMETHEUS}

    for name in sorted(names):
        print(f"{name:26} fires in {fire[name]:2} cases, stays quiet in {quiet[name]:2}")  # noqa: T201
    counts = f"{len(CASES)} cases: {fire.total()} fire, {quiet.total()} stay quiet"
    print(counts)  # noqa: T201
    assert counts in " ".join((ROOT / "docs/reference/stack.md").read_text().split())
    assert set(fire) == names
    assert set(quiet) == names - {"Watchdog"}, "the Watchdog is never quiet"


def test_no_two_cases_have_one_name() -> None:
    assert [name for name, times in Counter(case.name for case in CASES).items() if times > 1] == []


@pytest.mark.parametrize("pace", [1, 10, 60])
def test_prometheus_takes_the_files(pace: float, tmp_path: Path) -> None:
    promtool = require("promtool", "prometheus")
    for name, text in rules.files(pace).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    files = [*tmp_path.glob("prometheus/*.yml"), ROOT / "stack" / "prometheus" / "objectives.yml"]
    done = subprocess.run([promtool, "check", "rules", *files], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_of_objectives_only_need_their_marks_taken_away(tmp_path: Path) -> None:
    text = (ROOT / "stack" / "prometheus" / "objectives.yml").read_text()
    path = tmp_path / "objectives.yml"
    path.write_text(re.sub(r"^( +)# ", r"\1", text, flags=re.MULTILINE))
    command = [require("promtool", "prometheus"), "check", "rules", str(path)]

    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert "SUCCESS: 3 rules found" in done.stdout, done.stdout + done.stderr


def test_the_built_files_are_those_of_the_code() -> None:
    assert {name: (BUILT / name).read_text() for name in rules.files()} == rules.files()


def test_pace_divides_every_duration() -> None:
    real, fast = rules.files(), rules.files(60)
    for name, text in real.items():
        before, after = _durations(text), _durations(fast[name])
        assert len(before) > 3
        assert after == [milliseconds / 60 for milliseconds in before]


def test_windows_of_days_are_read_seldom_and_before_their_last_values_count_as_gone() -> None:
    read = {
        group.interval
        for group in rules.recording(Pace())
        for rule in group.rules
        if "[3d]" in rule.expr or "[30d]" in rule.expr
    }

    assert read == {Pace()(slo.LONGEST_INTERVAL)}
    assert MINUTE < slo.LONGEST_INTERVAL < 5 * MINUTE


def _durations(text: str) -> list[float]:
    """Milliseconds, of every duration in the rules and of every number that is compared with the time."""
    units = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
    lines = [line for line in text.splitlines() if not re.match(r" +(summary|description|\w+_url): ", line)]
    found = re.findall(r"(?<![\w.:])((?:\d+(?:ms|[smhd]))+)(?!\w)|time\(\) - (\S+)", "\n".join(lines))
    return [
        sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)(ms|[smhd])", duration))
        or 1000 * float(number)
        for duration, number in found
    ]


def test_every_metric_and_label_is_known() -> None:
    overrides = {
        slo.OBJECTIVE_OVERRIDE: frozenset(slo.SLO_KEYS),
        slo.THRESHOLD_OVERRIDE: frozenset((*SERVICE_KEYS, scrape.LE)),
    }
    series = {**known.series(), **overrides}
    for rule in RULES:
        reader = Reader(series)
        labels = reader.read(rule.expr)
        assert reader.faults == [], rule.name
        if isinstance(rule, Alert):
            assert set(rule.keys) <= labels, rule.name


def test_an_alert_says_who_how_much_and_since_when() -> None:
    for alert in BY_PROMETHEUS:
        annotations = alert.annotations()
        assert set(annotations) == {"summary", "description", "runbook_url", "dashboard_url", "logs_url"}
        if alert.name != "Watchdog":
            assert "since" in annotations["summary"]
        assert len(_spoken(annotations["summary"])) <= 110, alert.name


def _spoken(template: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "", template)


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    sections = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)

    assert sorted(sections) == sorted({alert.name for alert in rules.alerts()})


def test_the_runbook_links_to_dashboards_that_exist() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()

    assert set(re.findall(r"localhost:3000/d/([\w-]+)", text)) <= {*links.UIDS, links.RUNBOOK}
    assert {alert.dashboard for alert in rules.alerts()} <= set(links.UIDS)


@pytest.mark.parametrize("alert", runbook.sections())
def test_a_section_of_the_runbook_says_what_to_do_first_and_how_it_ends(alert: str) -> None:
    meaning, *_, steps, end = runbook.sections()[alert].split("\n\n")

    assert re.match(r"\*(page|ticket|page or ticket|none)\.\* ", meaning)
    assert re.findall(r"^(\S+) \S", steps, re.MULTILINE) == ["1.", "2.", "3."]
    assert "](http://localhost:" in steps
    assert end.startswith("It ends ")


def test_loki_gets_its_rules_without_what_only_prometheus_knows() -> None:
    text = yamlfile.text(errorlogs.groups(Pace()), started=False)

    assert "ALERTS_FOR_STATE" not in text
    assert "$labels.service" in text
    assert "error lines in the 5 minutes before this message" in text


def test_logql_of_loki_and_of_every_link_parses_and_names_known_fields() -> None:
    queries = [alert.expr for group in errorlogs.groups(Pace()) for alert in group.alerts]
    queries += [_query(alert) for alert in rules.alerts()]

    answer = grafanacheck.hold({}, queries)

    assert answer.faults == []
    for query, labels in zip(queries, answer.labels, strict=True):
        assert set(labels) <= LOG_LABELS | {versions.SERVICE_VERSION}, query


def _query(alert: Alert) -> str:
    """What an alert's link searches for, with a 1 for each value."""
    address = re.sub(r"\{\{.*?\}\}", "1", alert.annotations()["logs_url"])
    panes = json.loads(parse_qs(urlsplit(address).query)["panes"][0])
    return str(panes["observe"]["queries"][0]["expr"])
