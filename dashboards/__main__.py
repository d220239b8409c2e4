"""`python -m dashboards build`: writes dashboards, rules and alerts, or checks the written ones."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dashboards import links, rules
from dashboards.rules.annotations import use_runbook

BUILT: Final = Path(__file__).parent / "built"
SDK_PYTHON: Final = (3, 11)
"""What grafana-foundation-sdk asks for."""


def files(pace: float = 1) -> dict[str, str]:
    """Every built file: path below the output folder, text; at another pace than 1 the rules alone."""
    built = rules.files(pace)
    if pace != 1:
        return built
    if sys.version_info < SDK_PYTHON:
        print("Grafana's dashboards are left out: grafana-foundation-sdk needs Python 3.11", file=sys.stderr)
        return built
    from dashboards import grafana

    return {**built, **grafana.files()}


def faults() -> list[str]:
    """Panels whose PromQL does not parse, or asks for a series or label that nothing has."""
    from dashboards import grafana, known

    return [
        f"{query.dashboard}, {query.panel}: {fault}"
        for query in grafana.queries()
        if query.source == links.PROMETHEUS
        for fault in known.faults(query.expr)
    ]


def differing(wanted: dict[str, str], folder: Path) -> list[str]:
    """What is wrong with the files below `folder`: missing, outdated, or built by nothing."""
    kinds = {path.split("/", 1)[0] for path in wanted}
    present = {str(path.relative_to(folder)) for kind in kinds for path in (folder / kind).glob("*.*")}
    outdated = {path for path in present & wanted.keys() if (folder / path).read_text() != wanted[path]}
    return [
        *(f"{path} is not what the code builds: run `make dashboards`" for path in sorted(outdated)),
        *(f"{path} is missing: run `make dashboards`" for path in sorted(wanted.keys() - present)),
        *(f"{path} is built by nothing: delete it" for path in sorted(present - wanted.keys())),
    ]


def write(wanted: dict[str, str], folder: Path) -> None:
    """Writes the files; others stay as they are, the folder may be anybody's."""
    for path, text in wanted.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 when `--check` found a difference or a fault."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    build = parser.add_subparsers(required=True).add_parser("build", help="write or check the built files")
    build.add_argument("--check", action="store_true", help="write nothing; exit 1 and name what differs")
    build.add_argument("--pace", type=float, default=1, help="divide every duration of the rules, for drills")
    build.add_argument("--out", type=Path, default=BUILT, help="folder (default: %(default)s)")
    address = os.environ.get("GRAFANA_URL", links.GRAFANA_URL)
    build.add_argument("--grafana-url", default=address, help="for alerts (default: %(default)s)")
    build.add_argument("--runbook-url", help="for alerts (default: the dashboard Runbook)")
    options = parser.parse_args(arguments)
    links.use_grafana(options.grafana_url)
    use_runbook(options.runbook_url)
    wanted = files(options.pace)
    if not options.check:
        write(wanted, options.out)
        return 0
    wrong = [*differing(wanted, options.out), *faults()]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
