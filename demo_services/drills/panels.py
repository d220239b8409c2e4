"""`python -m demo_services.drills.panels --docs FILE` asks the demo every panel's query and writes a page."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from dashboards import promql
from demo_services.drills import survey
from demo_services.drills.stages import HEALTHY, STAGES
from demo_services.drills.survey import (
    Asked,
    Mixin,
    excuse,
    foreign,
    own,
    shortfall,
    unexplained,
)

TEXT = """\
The native demo under traffic, scraped by a real Prometheus 2.42 with the stack's own rules, first while all
was well, then with these faults switched on one after the other: {stages}. Each query of each panel was
asked as Grafana would, for every service; `series` is how many it returned when it first returned any."""


def page(ours: Sequence[Asked], mixins: Sequence[Mixin]) -> str:
    """docs/reference/panels.md."""
    stages = "; ".join(stage.title for stage in STAGES if stage is not HEALTHY)
    answered = sum(bool(query.series) for query in ours)
    lines = [
        "# Panels on real data",
        "",
        "<!-- Written by `python -m demo_services.drills.panels`. -->",
        "",
        TEXT.format(stages=stages),
        "",
        f"{answered} of {len(ours)} PromQL queries returned series; the others say why they cannot here.",
        "",
        "| Dashboard | Panel | Asks for | Series | When |",
        "| --- | --- | --- | --- | --- |",
        *(_row(query) for query in ours),
        "",
        *chain.from_iterable(map(_mixin, mixins)),
    ]
    return "\n".join(lines)


def _row(query: Asked) -> str:
    metrics, _ = promql.names(query.expr)
    asked = ", ".join(f"`{metric}`" for metric in sorted(metrics))
    when = query.stage or excuse(query) or "**never**"
    if query.series and query.stage != HEALTHY.title:
        when = f"{when} (before: {query.reason})"
    return f"| {query.dashboard} | {query.panel} | {asked} | {query.series} | {when} |"


def _mixin(mixin: Mixin) -> list[str]:
    empty = {(query.dashboard, query.panel): shortfall(query) for query in mixin.queries if not query.series}
    answered = sum(bool(query.series) for query in mixin.queries)
    text = (
        f"{answered} of its {len(mixin.queries)} queries, unchanged, returned series on the same Prometheus"
    )
    return [
        f"## {mixin.name}",
        "",
        f"{text} ({mixin.source}, {mixin.commit[:7]}). The others:",
        "",
        "| Dashboard | Panel | Why |",
        "| --- | --- | --- |",
        *(f"| {board} | {panel} | {why or '**unknown**'} |" for (board, panel), why in empty.items()),
        "",
    ]


def main() -> int:
    """Write the page; 1 when a query answered at no time for no known reason."""
    parser = argparse.ArgumentParser(prog="python -m demo_services.drills.panels", description=__doc__)
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the answers as a page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the answers as JSON")
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="ask a mixin's queries as well; tests/stack/celery_mixin.json is one",
    )
    options = parser.parse_args()
    ours, mixins = own(), [foreign(path) for path in options.also]
    survey.run([*ours, *chain.from_iterable(mixin.queries for mixin in mixins)])
    if options.docs:
        options.docs.write_text(page(ours, mixins))
    if options.json:
        answers = {"ours": [_plain(query, excuse(query)) for query in ours]}
        answers |= {
            mixin.name: [_plain(query, shortfall(query)) for query in mixin.queries] for mixin in mixins
        }
        options.json.write_text(json.dumps(answers))
    for query in (missing := unexplained(ours)):
        print(f"{query.dashboard}, {query.panel}: no series, and no reason for it: {query.expr}")  # noqa: T201
    return int(bool(missing))


def _plain(query: Asked, why: str) -> dict[str, Any]:
    return {**asdict(query), "excuse": why}


if __name__ == "__main__":
    sys.exit(main())
