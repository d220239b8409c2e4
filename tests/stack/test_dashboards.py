"""The built dashboards: current, complete, and asking only for what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards import grafana, known, links, logql, promql, rules, scrape
from dashboards.__main__ import BUILT, main
from dashboards.grafana.panels import Query
from django_observe.vocabulary import Field
from tests.stack import grafanacheck

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo_services"
LOG_LABELS = {
    *logql.INDEX_LABELS,
    logql.SEVERITY,
    *(value for name, value in vars(Field).items() if not name.startswith("_")),
}
BUILTIN_VARIABLE = re.compile(r"__\w+")
VARIABLE = re.compile(r"\$\{?([a-z_]\w*)")

needs_sdk = pytest.mark.skipif(sys.version_info < (3, 11), reason="grafana-foundation-sdk needs Python 3.11")


def built() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in sorted((BUILT / "grafana").glob("*.json"))}


RUNBOOK = built()[links.RUNBOOK]
BUILT_DASHBOARDS = {uid: dashboard for uid, dashboard in built().items() if uid != links.RUNBOOK}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def every_panel() -> list[Any]:
    return [
        pytest.param(panel, id=f"{uid}: {panel['title']}")
        for uid, dashboard in BUILT_DASHBOARDS.items()
        for panel in panels(dashboard)
    ]


def next_places(panel: dict[str, Any]) -> list[dict[str, str]]:
    """Links of a panel: in its title, on its values, and in the cells of its columns."""
    fields = panel.get("fieldConfig", {})
    in_cells = [
        link
        for override in fields.get("overrides", [])
        for looks in override["properties"]
        if looks["id"] == "links"
        for link in looks["value"]
    ]
    return [*panel.get("links", []), *fields.get("defaults", {}).get("links", []), *in_cells]


def loki_queries() -> list[str]:
    return [query.expr for query in grafana.queries() if query.source == links.LOKI]


@needs_sdk
def test_the_built_files_are_what_the_code_builds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--check"]) == 0, capsys.readouterr().out


def test_the_runbook_is_a_dashboard_whose_panels_alerts_link_to() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    for alert in rules.alerts():
        link = urlsplit(alert.annotations()["runbook_url"])
        panel = int(parse_qs(link.query)["viewPanel"][0].removeprefix("panel-"))
        (shown,) = (panel_ for panel_ in RUNBOOK["panels"] if panel_["id"] == panel)
        assert link.path == f"/d/{RUNBOOK['uid']}"
        assert shown["title"] == alert.name
        meaning = text.split(f"## {alert.name}\n\n")[1].split("\n")[0]
        assert shown["options"]["content"].startswith(meaning[:40])
    assert not re.search(r"\]\((?!https?://|/)", json.dumps(RUNBOOK)), "a link that Grafana does not have"


@needs_sdk
def test_check_names_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--out", str(tmp_path)]) == 0
    assert main(["build", "--check", "--out", str(tmp_path)]) == 0
    changed, gone, foreign = (
        tmp_path / "grafana" / f"{name}.json" for name in (links.SLO, links.CELERY, "mine")
    )
    changed.write_text(changed.read_text().replace("Objectives", "Promises"))
    gone.unlink()
    foreign.write_text("{}")
    assert main(["build", "--check", "--out", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert f"grafana/{changed.name} is not what the code builds" in out
    assert f"grafana/{gone.name} is missing" in out
    assert f"grafana/{foreign.name} is built by nothing" in out
    assert main(["build", "--out", str(tmp_path)]) == 0
    assert foreign.exists(), "somebody else's file was deleted"
    foreign.unlink()
    assert main(["build", "--check", "--out", str(tmp_path)]) == 0


def test_seven_dashboards_with_stable_uids() -> None:
    assert {name: dashboard["uid"] for name, dashboard in BUILT_DASHBOARDS.items()} == {
        uid: uid
        for uid in (
            "observe-services",
            "observe-service",
            "observe-celery",
            "observe-journey",
            "observe-dependencies",
            "observe-slo",
            "observe-telemetry",
        )
    }
    assert {board.uid for board in grafana.BOARDS} == set(links.UIDS)
    assert {dashboard["schemaVersion"] for dashboard in BUILT_DASHBOARDS.values()} == {42}


@pytest.mark.parametrize("panel", every_panel())
def test_a_panel_says_what_it_shows_and_where_to_go(panel: dict[str, Any]) -> None:
    fields = panel.get("fieldConfig", {}).get("defaults", {})
    assert fields.get("unit"), "no unit"
    shows, _, then = panel["description"].partition("\n\n**When it looks bad:** ")
    assert len(shows) > 15, "the description does not say what it shows"
    assert len(then) > 15, "the description does not say what to do"
    assert next_places(panel), "no link to where one goes next"
    assert panel["targets"]


@pytest.mark.parametrize("dashboard", list(BUILT_DASHBOARDS.values()), ids=list(BUILT_DASHBOARDS))
def test_panels_have_an_id_and_a_place_of_their_own(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    width: Counter[int] = Counter()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        width.update(y for _, y in cells)
    assert set(width.values()) == {24}, "a row with a hole in it"
    titles = [panel["title"] for panel in panels(dashboard)]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("dashboard", list(BUILT_DASHBOARDS.values()), ids=list(BUILT_DASHBOARDS))
def test_every_variable_that_is_used_is_there(dashboard: dict[str, Any]) -> None:
    there = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = {name for name in VARIABLE.findall(json.dumps(dashboard)) if not BUILTIN_VARIABLE.fullmatch(name)}
    assert used <= there
    assert {"environment", "service"} <= there


@pytest.mark.parametrize("dashboard", list(BUILT_DASHBOARDS.values()), ids=list(BUILT_DASHBOARDS))
def test_every_dashboard_leads_to_every_other(dashboard: dict[str, Any]) -> None:
    others = {link["url"]: (link["includeVars"], link["keepTime"]) for link in dashboard["links"]}
    assert others == {f"/d/{uid}": (True, True) for uid in links.UIDS if uid != dashboard["uid"]}


@pytest.mark.parametrize("panel", every_panel())
def test_links_lead_to_dashboards_and_variables_that_exist(panel: dict[str, Any]) -> None:
    for link in next_places(panel):
        parts = urlsplit(link["url"])
        if parts.path == "/explore":
            (panes,) = parse_qs(parts.query)["panes"]
            (pane,) = json.loads(panes).values()
            assert pane["queries"][0]["datasource"]["uid"] in {links.PROMETHEUS, links.LOKI, links.JAEGER}
            assert pane["range"] == {"from": "${__from}", "to": "${__to}"}
            assert "%24" not in link["url"], "a variable that Grafana would not fill in"
            continue
        target = {**BUILT_DASHBOARDS, links.RUNBOOK: RUNBOOK}[parts.path.removeprefix("/d/")]
        there = target.get("templating", {}).get("list", [])
        variables = {f"var-{variable['name']}" for variable in there}
        assert set(parse_qs(parts.query)) <= variables, link["url"]
        assert "${__url_time_range}" in parts.query


def test_a_firing_alert_leads_to_the_runbook() -> None:
    (firing,) = (panel for panel in panels(BUILT_DASHBOARDS[links.SERVICES]) if panel["title"] == "Firing")
    assert f"/d/{links.RUNBOOK}" in {urlsplit(link["url"]).path for link in next_places(firing)}


def test_the_alert_that_always_fires_is_not_shown() -> None:
    (always,) = (alert for alert in rules.alerts() if alert.severity == "none")
    queries = [query.expr for query in grafana.queries() if query.source == links.PROMETHEUS]
    asked = [expr for expr in queries if scrape.ALERTS in promql.names(expr)[0]]
    assert always.expr == "vector(1)"
    assert len(asked) >= 3
    assert [expr for expr in asked if 'severity!="none"' not in expr] == []


def test_nothing_is_about_the_demo() -> None:
    services = {path.parent.name for path in DEMO.glob("*/manage.py")}
    assert len(services) >= 3
    for name, dashboard in BUILT_DASHBOARDS.items():
        words = set(re.findall(r"\w+", json.dumps(dashboard).lower()))
        assert not words & {*services, "payment", "localhost"}, name


def test_promql_asks_for_series_and_labels_that_exist() -> None:
    queries = [query for query in grafana.queries() if query.source == links.PROMETHEUS]
    assert len(queries) > 100
    assert {query.expr: faults for query in queries if (faults := known.faults(query.expr))} == {}


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ("rate(django_http_requests_totl[5m])", "no such series: django_http_requests_totl"),
        ('up{servce="a"}', "up has no label servce"),
        ("sum by (route) (rate(celery_task_sent_total[5m]))", "no label route"),
        ("sum by (view) (rate(celery_task_sent_total[5m]) * 2)", "no label view"),
        ("up * on (instance) group_left (colour) observe_info", "no label colour"),
        ("sum(rate(up[5m])", "does not parse"),
        ("rate(up)", "does not parse"),
    ],
)
def test_a_planted_fault_in_promql_is_found(planted: str, fault: str) -> None:
    assert any(fault in text for text in known.faults(planted))


@needs_sdk
def test_check_fails_for_a_panel_that_asks_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = grafana.BOARDS[0].rows[0]
    wrong = Query("sum(requests_that_nobody_counts)")
    object.__setattr__(panel := row.panels[0], "queries", (*(before := panel.queries), wrong))
    try:
        main(["build", "--out", str(tmp_path)])
        assert main(["build", "--check", "--out", str(tmp_path)]) == 1
    finally:
        object.__setattr__(panel, "queries", before)
    assert "no such series: requests_that_nobody_counts" in capsys.readouterr().out


@needs_sdk
@pytest.mark.parametrize(
    ("name", "other", "complaint"),
    [
        ("HTTP_RESPONSES: Final", "HTTP_ANSWERS: Final", "cannot import name 'HTTP_RESPONSES'"),
        ("django_http_exceptions_total_by_type", "django_exceptions", "grafana/observe-service.json is not"),
        ("SERVER_ADDRESS", "PEER_ADDRESS", "has no attribute 'SERVER_ADDRESS'"),
        (
            'CORRELATION_ID: Final = "correlation_id"',
            'CORRELATION_ID: Final = "cid"',
            "observe-journey.json is not",
        ),
    ],
    ids=["constant", "metric", "label", "log field"],
)
def test_a_rename_in_the_package_fails_the_check(
    tmp_path: Path, name: str, other: str, complaint: str
) -> None:
    for folder in ("django_observe", "dashboards", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    renamed = 0
    for path in (tmp_path / "django_observe").glob("*.py"):
        if name in (text := path.read_text()):
            path.write_text(text.replace(name, other))
            renamed += 1
    assert renamed
    done = subprocess.run(
        [sys.executable, "-m", "dashboards", "build", "--check"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert complaint in done.stdout + done.stderr


def test_latency_panels_have_exemplars() -> None:
    for uid, dashboard in BUILT_DASHBOARDS.items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                timed = re.search(
                    r"(requests_latency|client_request|task_\w+)\w*_bucket", target.get("expr", "")
                )
                if timed and panel["type"] in {"timeseries", "heatmap"}:
                    assert target["exemplar"], f"{uid}: {panel['title']}"


def test_dashboards_hold_against_grafanas_own_types_and_logql_parses() -> None:
    queries = loki_queries()
    answer = grafanacheck.hold(BUILT_DASHBOARDS, [promql.concrete(query) for query in queries])
    assert answer.faults == []
    asked = dict(zip(queries, answer.labels, strict=True))
    assert {query: labels for query, labels in asked.items() if not set(labels) <= LOG_LABELS} == {}
    assert all(labels for labels in answer.labels)


def test_planted_faults_in_json_and_logql_are_found() -> None:
    dashboard = json.loads(json.dumps(BUILT_DASHBOARDS[links.SERVICE]))
    first, second, third = panels(dashboard)[:3]
    first["colour"] = "blue"
    second["options"]["graphMood"] = "area"
    third["fieldConfig"]["defaults"]["min"] = "zero"
    dashboard["templating"]["list"][0]["definition"] = "up"
    queries = [
        '{service_name="a"} | colour="blue"',
        '{service_name="a"',
        'sum by (route) (rate({a="b"}[5m]))',
    ]
    answer = grafanacheck.hold({"planted": dashboard}, queries)
    found = "\n".join(answer.faults)
    for planted in ('"colour"', '"graphMood"', "min must be number", '"definition"', queries[1]):
        assert planted in found
    assert answer.labels[0] == ["service_name", "colour"]
    assert set(answer.labels[2]) == {"a", "route"}
