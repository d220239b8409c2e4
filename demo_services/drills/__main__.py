"""`python -m demo_services.drills` plays incidents and says whether the right alerts came."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import requests

from demo_services.demo import Demo, NotReadyError
from demo_services.drills import broker, table
from demo_services.drills.incidents import INCIDENTS
from demo_services.drills.monitoring import MissingProgramError, require_programs
from demo_services.drills.session import play_all
from demo_services.interruption import Interrupted, Interruption
from demo_services.programs import ProgramDiedError
from demo_services.screen import Screen

FAILED = 1
BAD_CALL = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what was asked for; the result is the exit status: 0 when every drill passed."""
    parser = argparse.ArgumentParser(prog="python -m demo_services.drills", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which drills (default: all)")
    parser.add_argument("--pace", type=float, default=1, help="divide every duration by this (default: 1)")
    parser.add_argument("--customers", type=int, default=8, help="how many keep ordering (default: 8)")
    parser.add_argument("--list", action="store_true", help="show the names and play nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON as well")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the results as a page as well")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - INCIDENTS.keys():
        parser.error(f"no drill is called {', '.join(sorted(unknown))}; there are {', '.join(INCIDENTS)}")
    screen = Screen()
    if options.list:
        for incident in INCIDENTS.values():
            screen.console.print(f"{incident.name:16} {incident.title}")
        return 0
    try:
        return run(screen, options)
    except Interrupted:
        screen.console.print("stopped")
        return INTERRUPTED
    except MissingProgramError as problem:
        screen.failure(str(problem))
        return BAD_CALL
    except (ProgramDiedError, NotReadyError, requests.RequestException) as problem:
        screen.failure(str(problem))
        return FAILED


def run(screen: Screen, options: argparse.Namespace) -> int:
    """Play on free ports with a state of its own, which is kept when a drill has failed."""
    require_programs()
    interruption = Interruption()
    plan = broker.plan(Path(tempfile.mkdtemp(prefix="drill-")))
    incidents = [INCIDENTS[name] for name in options.names or INCIDENTS]
    results: list[table.Result] = []
    for outcome in play_all(Demo(plan, screen, interruption), incidents, options.pace, options.customers):
        results.append(table.result(outcome))
        screen.console.print(table.terminal(results[-1:]))
        if options.json:
            options.json.write_text(table.as_json(results, options.pace))
        if options.docs:
            options.docs.write_text(table.page(results, options.pace))
    screen.console.print(table.terminal(results))
    if not all(result["passed"] for result in results):
        screen.failure(f"The output of each program is kept in {plan.state / 'log'}.")
        return FAILED
    shutil.rmtree(plan.state)
    return 0


if __name__ == "__main__":
    sys.exit(main())
