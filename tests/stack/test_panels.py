"""Every panel's PromQL on a real Prometheus that scraped the real demo, in quiet times and with faults on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dashboards import promql
from demo_services.drills import survey
from tests.processes import require

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
MIXINS = {name: HERE / f"{name.replace('-', '_')}.json" for name in ("celery-mixin", "django-mixin")}
"""Their queries, unchanged; each file says where they are from."""
BACKENDS = HERE / "backends.json"
"""What Loki and Jaeger answered when they were there."""
SECONDS = 540

Queries = dict[str, list[dict[str, Any]]]
pytestmark = pytest.mark.timeout(SECONDS + 30)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Queries:
    """Our queries and the mixins', with the number of series each returned, and when."""
    require("prometheus", "prometheus")
    require("promtool", "prometheus")
    require("prometheus-alertmanager", "prometheus-alertmanager")
    answers = tmp_path_factory.mktemp("panels") / "answers.json"
    words = [
        sys.executable,
        "-m",
        "demo_services.drills.panels",
        *(word for file in MIXINS.values() for word in ("--also", str(file))),
        "--json",
        str(answers),
    ]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert answers.exists(), run.stdout + run.stderr
    found: Queries = json.loads(answers.read_text())
    return found


def test_every_panel_has_data(asked: Queries) -> None:
    """Each query answers while all is well, or has a reason not to and answers under a fault."""
    unexplained = [
        (query["dashboard"], query["panel"], query["expr"], query["stage"])
        for query in asked["ours"]
        if not query["excuse"]
        and (not query["series"] or (query["stage"] != "all is well" and not query["reason"]))
    ]
    assert unexplained == []
    assert len(asked["ours"]) > 100


def test_excuses_are_needed(asked: Queries) -> None:
    """A query that is excused, because what it asks for is not in the demo, does not answer after all."""
    queries = [query for group in asked.values() for query in group]
    assert [query["expr"] for query in queries if query["excuse"] and query["series"]] == []


@pytest.mark.parametrize("mixin", MIXINS)
def test_mixin_is_full(asked: Queries, mixin: str) -> None:
    """A mixin's dashboards show our metrics as they are, but for what the demo never does."""
    empty = [query["expr"] for query in asked[mixin] if not query["series"] and not query["excuse"]]
    assert empty == []
    assert len(asked[mixin]) > 50


def test_what_is_elsewhere_has_been_asked_there() -> None:
    """Every query about Loki and Jaeger, which do not run here, is in the table of their answers."""
    there = {
        (query["panel"], *query["metrics"])
        for query in json.loads(BACKENDS.read_text())["queries"]
        if query["series"] or query["note"]
    }
    here = {(query.panel, *promql.names(query.expr)[0]) for query in survey.own() if query.excuse}
    assert here == there
