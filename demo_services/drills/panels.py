"""`python -m demo_services.drills.panels --docs FILE` asks the demo every panel's query and writes a page."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from dashboards import promql
from demo_services.demo import Demo
from demo_services.drills.monitoring import require_programs
from demo_services.drills.survey import HEALTHY, STAGES, Asked, excuse, foreign, own, survey, unexplained
from demo_services.interruption import Interruption
from demo_services.plan import Plan
from demo_services.ports import Ports
from demo_services.screen import Screen

TEXT = """\
The native demo under traffic, scraped by a real Prometheus 2.42 with the stack's own rules, first while all
was well, then with these faults switched on one after the other: {stages}. Each query of each panel was
asked as Grafana would, for every service; `series` is how many it returned when it first returned any."""


def page(ours: Sequence[Asked], others: Mapping[str, Sequence[Asked]]) -> str:
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
        *chain.from_iterable(_others(name, queries) for name, queries in others.items()),
    ]
    return "\n".join(lines)


def _row(query: Asked) -> str:
    metrics, _ = promql.names(query.expr)
    asked = ", ".join(f"`{metric}`" for metric in sorted(metrics))
    when = query.stage or excuse(query) or "**never**"
    if query.series and query.stage != HEALTHY.title:
        when = f"{when} (before: {query.reason})"
    return f"| {query.dashboard} | {query.panel} | {asked} | {query.series} | {when} |"


def _others(name: str, queries: Sequence[Asked]) -> list[str]:
    answered = sum(bool(query.series) for query in queries)
    empty = [query for query in queries if not query.series]
    lines = [
        f"## {name}",
        "",
        f"{answered} of {len(queries)} queries of its dashboards, unchanged, returned series.",
    ]
    return [
        *lines,
        "",
        *(f"- empty: {query.dashboard}, {query.panel}: `{query.expr}`" for query in empty),
        "",
    ]


def run(queries: Sequence[Asked]) -> None:
    """A survey on free ports with a state of its own."""
    require_programs()
    plan = Plan(Ports.free(), Path(tempfile.mkdtemp(prefix="panels-")))
    survey(Demo(plan, Screen(), Interruption()), queries)
    shutil.rmtree(plan.state)


def main() -> int:
    """Write the page; 1 when a query answered at no time for no known reason."""
    parser = argparse.ArgumentParser(prog="python -m demo_services.drills.panels", description=__doc__)
    parser.add_argument("--docs", type=Path, required=True, metavar="FILE", help="the page to write")
    parser.add_argument("--also", type=Path, action="append", default=[], metavar="FILE")
    options = parser.parse_args()
    ours, others = own(), {path.stem: foreign(path) for path in options.also}
    run([*ours, *chain.from_iterable(others.values())])
    options.docs.write_text(page(ours, others))
    return int(bool(unexplained(ours)))


if __name__ == "__main__":
    sys.exit(main())
