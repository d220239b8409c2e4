"""Every panel's PromQL on a real Prometheus that scraped the real demo, in quiet times and with faults on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import require

ROOT = Path(__file__).resolve().parents[2]
MIXIN = Path(__file__).with_name("celery_mixin.json")
"""celery-mixin's queries, unchanged; the file says where they are from."""
SECONDS = 540

Queries = dict[str, list[dict[str, Any]]]
pytestmark = pytest.mark.timeout(SECONDS + 30)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Queries:
    """Our queries and the mixin's, with the number of series each returned, and when."""
    require("prometheus", "prometheus")
    require("promtool", "prometheus")
    require("prometheus-alertmanager", "prometheus-alertmanager")
    answers = tmp_path_factory.mktemp("panels") / "answers.json"
    words = [
        sys.executable,
        "-m",
        "demo_services.drills.panels",
        "--also",
        str(MIXIN),
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
    """A query that is excused, because its part of the stack is not here, does not answer after all."""
    answered = [query["expr"] for query in asked["ours"] if query["excuse"] and query["series"]]
    assert [expr for expr in answered if "vector(0)" not in expr] == []


def test_mixin_is_full(asked: Queries) -> None:
    """celery-mixin's dashboards show our metrics as they are, but for what the demo never does."""
    empty = [query["expr"] for query in asked["celery-mixin"] if not query["series"] and not query["excuse"]]
    assert empty == []
