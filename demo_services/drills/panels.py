"""`python -m demo_services.drills.panels --docs FILE` asks the demo every panel's query and writes a page."""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path

from dashboards import promql
from demo_services.drills import survey
from demo_services.drills.stages import HEALTHY, STAGES
from demo_services.drills.survey import Asked, Mixin, foreign, own, unexplained

TEXT = """\
The native demo under traffic, scraped by a real Prometheus 2.42 with the stack's own rules, first while all
was well, then in these states, one after the other:

{stages}

Each query of each panel was asked as Grafana would, for every service, but without a final `or vector(0)`,
which would hide that it is empty; `series` is how many it returned when it first returned any."""
BESIDE = """\
What could not answer above, asked once on {date} of a Prometheus that scraped real {programs}, built from
source, with the stack's own configuration, while the demo sent them its traces and logs. It is not part of
the suite."""


def page(ours: Sequence[Asked], mixins: Sequence[Mixin], beside: Sequence[Path]) -> str:
    """docs/reference/panels.md."""
    stages = "\n".join(f"- {stage.title}" for stage in STAGES if stage is not HEALTHY)
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
        *chain.from_iterable(map(_beside, beside)),
        *chain.from_iterable(map(_mixin, mixins)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(query: Asked) -> str:
    metrics, _ = promql.names(query.expr)
    when = query.stage or query.excuse or "**never**"
    if query.series and query.stage != HEALTHY.title:
        when = f"{when} (before: {query.reason})"
    return f"| {query.dashboard} | {query.panel} | {_listed(metrics)} | {query.series} | {when} |"


def _listed(metrics: Iterable[str]) -> str:
    return ", ".join(f"`{metric}`" for metric in sorted(metrics))


def _beside(file: Path) -> list[str]:
    """A table of answers that were written down: date, programs, and for each query its series, or a note."""
    document = json.loads(file.read_text())
    programs = " and ".join(document["programs"])
    return [
        f"## {programs}",
        "",
        BESIDE.format(date=document["date"], programs=programs),
        "",
        "| Dashboard | Panel | Asks for | Series |",
        "| --- | --- | --- | --- |",
        *(
            f"| {query['dashboard']} | {query['panel']} | {_listed(query['metrics'])} "
            f"| {query.get('note', query['series'])} |"
            for query in document["queries"]
        ),
        "",
    ]


def _mixin(mixin: Mixin) -> list[str]:
    empty = [query for query in mixin.queries if not query.series]
    answered = len(mixin.queries) - len(empty)
    text = f"{answered} of its {len(mixin.queries)} {mixin.asked} returned series on the same Prometheus"
    rows = (f"| {query.dashboard} | {query.panel} | {query.excuse or '**unknown**'} |" for query in empty)
    return [
        f"## {mixin.name}",
        "",
        f"{text} ({mixin.source}, {mixin.commit[:7]}).",
        *(["The others:", "", "| Dashboard | Panel | Why |", "| --- | --- | --- |", *rows] if empty else []),
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
    parser.add_argument(
        "--beside",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="put answers of programs that do not run here on the page; tests/stack/backends.json has some",
    )
    options = parser.parse_args()
    ours, mixins = own(), [foreign(path) for path in options.also]
    survey.run(asked := [*ours, *chain.from_iterable(mixin.queries for mixin in mixins)])
    if options.docs:
        options.docs.write_text(page(ours, mixins, options.beside))
    if options.json:
        groups = {"ours": ours, **{mixin.name: mixin.queries for mixin in mixins}}
        options.json.write_text(
            json.dumps({name: list(map(asdict, group)) for name, group in groups.items()})
        )
    for query in (missing := unexplained(asked)):
        print(f"{query.dashboard}, {query.panel}: no series, and no reason for it: {query.expr}")  # noqa: T201
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
