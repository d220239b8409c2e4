"""The whole demo: up, with a first order placed, and down again."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from demo_services.canary import Canary
from demo_services.customer import Customer, PlacedOrder
from demo_services.interruption import Interrupted, Interruption
from demo_services.plan import SERVICES, Plan
from demo_services.programs import POLL_SECONDS, Crew, Program, ProgramDiedError
from demo_services.screen import Screen
from demo_services.telemetry import Telemetry, wait_for

START_SECONDS = 60
ARRIVE_SECONDS = 15
MOST_RESTARTS = 10


class NotReadyError(Exception):
    """A program runs but did not become ready in time."""


@dataclass(frozen=True, slots=True)
class FirstOrder:
    """The order that shows that all works, its mail, and the trace it left."""

    order: PlacedOrder
    mail: dict[str, Any] | None
    trace_id: str


class Demo:
    """The programs of a plan, and a screen to say how they are."""

    def __init__(self, plan: Plan, screen: Screen, interruption: Interruption) -> None:
        self.plan = plan
        self.screen = screen
        self._interruption = interruption
        self.crew = Crew(plan.state, interruption)

    @contextmanager
    def running(self) -> Iterator[None]:
        """All programs ready on entry; none left on exit, whatever happened between."""
        shutil.rmtree(self.plan.state / "faults", ignore_errors=True)  # those of an earlier run
        try:
            self.screen.heading("Starting the console, the stand-ins and the databases")
            self._bring_up(self.plan.first())
            self.screen.heading("Starting the services")
            self._bring_up(self.plan.then())
            self.crew.start(self.plan.republisher())
            yield
        finally:
            with suppress(Interrupted):
                self._interruption.ignore()
            self.crew.stop()

    def place_first_order(self) -> FirstOrder:
        """Register, sign in, order, and wait for the mail and for the telemetry of all services."""
        self.screen.heading("Placing the first order")
        started = time.monotonic()
        customer = Customer(self.plan.ports)
        order = customer.order()
        self._say(f"order {order.id}", started)
        with self.screen.console.status("waiting for its mail"):
            mail = customer.mail_about(order, ARRIVE_SECONDS)
        if mail is not None:
            self._say(f"mail to {customer.email}", started)
        with self.screen.console.status("waiting for its trace"):
            trace_id = self._trace_of(order)
        if trace_id:
            self._say(f"trace {trace_id}", started)
        return FirstOrder(order, mail, trace_id)

    def keep_watch(self) -> None:
        """Say when a program ends, and let the others run on; ends by Interrupted alone."""
        restarts, canary = MOST_RESTARTS, Canary(self.plan, self.crew)
        while True:
            if news := canary.follow():
                self.screen.heading(news)
            try:
                self.crew.watch()
            except ProgramDiedError as death:
                self.screen.failure(str(death))
                if death.program.started_again and restarts:
                    restarts -= 1
                    self.crew.start(death.program)
                    self.screen.heading(f"{death.program.name} is started again")
            time.sleep(POLL_SECONDS * 4)

    def _trace_of(self, order: PlacedOrder) -> str:
        telemetry = Telemetry(self.plan.ports.url("console"))
        trace_id = wait_for(lambda: telemetry.trace_id(order.correlation_id), bool, ARRIVE_SECONDS)
        wait_for(
            lambda: {span.service for span in telemetry.spans(trace_id)},
            set(SERVICES).issubset,
            ARRIVE_SECONDS if trace_id else 0,
        )
        return trace_id

    def _say(self, what: str, started: float) -> None:
        self.screen.ready(what, time.monotonic() - started)

    def _bring_up(self, programs: list[Program]) -> None:
        started = time.monotonic()
        waiting = [self.crew.start(program) for program in programs]
        with self.screen.console.status("") as status:
            while waiting:
                status.update("waiting for " + ", ".join(running.program.name for running in waiting))
                for running in [running for running in waiting if running.is_ready()]:
                    waiting.remove(running)
                    self._say(running.program.name, started)
                if waiting and time.monotonic() - started > START_SECONDS:
                    slow, seconds = waiting[0], f"{START_SECONDS} s"
                    raise NotReadyError(f"{slow.program.name} was not ready in {seconds}; see {slow.log}")
                time.sleep(POLL_SECONDS)
