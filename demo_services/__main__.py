"""`python -m demo_services` starts the demo; with `check` it puts one order through it, and looks at it.

`fault SERVICE` shows what can be made to go wrong in the demo that runs, `fault orders errors=0.3` does it.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import requests

from demo_services.checklist import Checklist
from demo_services.demo import Demo, NotReadyError
from demo_services.faultcommand import FaultCommand
from demo_services.interruption import Interrupted, Interruption
from demo_services.plan import Plan
from demo_services.ports import Ports
from demo_services.programs import ProgramDiedError
from demo_services.screen import Screen

FAILED = 1
BAD_CALL = 2
INTERRUPTED = 130
ENVIRONMENT = """environment:
  DEMO_STATE          folder for databases, keys, queues and logs (default: .demo)
  DEMO_PORT_OFFSET    added to every port (default: 0)
  TRAFFIC=0           no traffic after the first order
  DATABASE_URL        such as postgresql://user@host/{service}; {service} becomes auth, orders, notifications,
                      and these databases must exist (default: SQLite files)
  DEMO_FAULTS         faults from the start, such as errors=0.3,latency=2, in each service;
                      DEMO_FAULTS_ORDERS (_AUTH, _NOTIFICATIONS) in that one alone
  CELERY_BROKER_URL   such as redis://host:6379/0 or amqp://host (default: files in the state folder)
"""


class UsageError(Exception):
    """The demo cannot be started as asked; the text says why and what to do."""


def main() -> int:
    """Run what was asked for; the result is the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m demo_services",
        description=__doc__,
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", choices=["run", "check", "fault"], default="run")
    parser.add_argument("words", nargs="*", metavar="SERVICE [KEY=VALUE ... | off]", help="of fault")
    call = parser.parse_args()
    what, words = call.what, call.words
    if bool(words) != (what == "fault"):
        parser.error("fault, and only fault, is followed by a service and what to switch there")
    screen, interruption = Screen(), Interruption()
    try:
        if what == "fault":
            return 0 if FaultCommand(screen, _usual_ports()).run(words[0], words[1:]) else FAILED
        return check(screen, interruption) if what == "check" else run(screen, interruption)
    except Interrupted:
        screen.console.print("stopped")
        return 0 if what == "run" else INTERRUPTED
    except UsageError as problem:
        screen.failure(str(problem))
        return BAD_CALL
    except (ProgramDiedError, NotReadyError, requests.RequestException) as problem:
        screen.failure(str(problem))
        return FAILED


def run(screen: Screen, interruption: Interruption) -> int:
    """Start everything on the usual ports and keep it running until asked to stop."""
    plan = Plan(_usual_ports(), Path(os.environ.get("DEMO_STATE", ".demo")).resolve())
    _look_before_leaping(plan)
    traffic = os.environ.get("TRAFFIC") != "0"
    demo = Demo(plan, screen, interruption)
    with demo.running():
        first = demo.place_first_order()
        screen.addresses(plan.ports, first.trace_id, demo.crew.log_folder)
        screen.hints(plan.ports, traffic=traffic)
        if traffic:
            demo.crew.start(plan.traffic())
        demo.keep_watch()
    return 0


def check(screen: Screen, interruption: Interruption) -> int:
    """Start everything on free ports with a state of its own, check one order, and stop."""
    plan = Plan(Ports.free(), Path(tempfile.mkdtemp(prefix="demo-check-")))
    _look_before_leaping(plan)
    demo = Demo(plan, screen, interruption)
    try:
        with demo.running():
            findings = Checklist(plan, demo.place_first_order()).findings()
    except Interrupted:
        shutil.rmtree(plan.state)
        raise
    screen.findings(findings)
    if not all(finding.passed for finding in findings):
        screen.failure(f"The output of each program is kept in {demo.crew.log_folder}.")
        return FAILED
    shutil.rmtree(plan.state)
    return 0


def _usual_ports() -> Ports:
    offset = os.environ.get("DEMO_PORT_OFFSET", "0")
    try:
        return Ports.moved(int(offset))
    except ValueError:
        raise UsageError(
            f"DEMO_PORT_OFFSET is {offset!r}; accepted is a whole number that keeps the ports (4318 to 9808) "
            "within 1 to 65535, such as 10000."
        ) from None


def _look_before_leaping(plan: Plan) -> None:
    taken = plan.ports.taken()
    if taken:
        which = ", ".join(f"{port} ({name.replace('_', ' ')})" for name, port in taken.items())
        raise UsageError(
            f"already in use on 127.0.0.1: {which}. "
            "Stop what listens there, or move all ports together with DEMO_PORT_OFFSET=10000."
        )
    database = os.environ.get("DATABASE_URL", "{service}")
    if "{service}" not in database:
        raise UsageError(
            "DATABASE_URL names one database, but each service has its own. "
            "Write {service} where the database's name differs, as in postgresql://user@host/{service}."
        )
    plan.state.mkdir(parents=True, exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
