"""The demo under load, with the means to break it and to mend it."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from demo_services.customer import Customer
from demo_services.demo import Demo
from demo_services.drills.configuration import Configuration
from demo_services.programs import POLL_SECONDS, Program, ProgramDiedError, Running
from demo_services.telemetry import wait_for
from django_observe.metricset import HTTP_RESPONSES
from django_observe.vocabulary import Label

LONGEST_LOAD = "3h"
HTTP_SECONDS = 10
SIGN_IN_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Customers:
    """How many there are, and what they do besides ordering: look for mails, and try a canary that runs."""

    number: int = 8
    mails: bool = False
    canary: bool = False

    def environment(self) -> dict[str, str]:
        """What Locust's file is to be told."""
        unwanted = {"NOTIFICATIONS_URL": self.mails, "CANARY_URL": self.canary}
        return {name: "" for name, wanted in unwanted.items() if not wanted}


class Shop:
    """A running demo; `started` is when (Unix seconds) its services began to count."""

    def __init__(self, demo: Demo, configuration: Configuration, customers: Customers) -> None:
        self._demo = demo
        self._configuration = configuration
        self.customers = customers
        self.plan = demo.plan
        self.started = time.time()
        self.witness = ""
        """The correlation ID of an order that the drill itself placed during the incident, if it did."""

    def begin_load(self) -> None:
        """Customers who keep ordering, a bounded number for a bounded time."""
        traffic = self.plan.traffic(self.customers.number)
        argv = [*traffic.argv, "--spawn-rate", "2", "--run-time", LONGEST_LOAD]
        self.start(replace(traffic, argv=argv, env={**traffic.env, **self.customers.environment()}))

    def await_customers(self) -> None:
        """Until all have signed in: hashing their passwords is slow, and no part of a drill."""
        wait_for(self._signed_in, lambda number: number >= self.customers.number, SIGN_IN_SECONDS)

    def _signed_in(self) -> float:
        page = requests.get(f"{self.plan.ports.url('auth')}/metrics", timeout=HTTP_SECONDS).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == HTTP_RESPONSES.total
            and (sample.labels[Label.VIEW], sample.labels[Label.STATUS]) == ("token", "200")
        )

    def pause_load(self) -> None:
        """The customers go away; they keep their accounts."""
        self._traffic().signal_all(signal.SIGSTOP)

    def resume_load(self) -> None:
        """The customers come back."""
        self._traffic().signal_all(signal.SIGCONT)

    def _traffic(self) -> Running:
        [running] = [one for one in self._demo.crew.running if one.program.name == "traffic"]
        return running

    def start(self, program: Program) -> None:
        """Start a program and wait until it is ready."""
        running = self._demo.crew.start(program)
        while not running.is_ready():
            time.sleep(POLL_SECONDS)

    def kill(self, name: str) -> None:
        """One program dies at once, with all its processes."""
        self._demo.crew.kill(name)

    def start_canary(self) -> None:
        """A second orders of a bad version runs, is scraped, and gets half of the customers."""
        self.start(self.plan.canary())
        self._configuration.watch(canary=True)

    def end_canary(self) -> None:
        """The second orders is taken away, from its targets first."""
        self._configuration.watch(canary=False)
        self.kill("orders-canary")

    def order_unseen(self) -> None:
        """The console dies, and then an order is placed, of which it should know when it is back."""
        customer = Customer(self.plan.ports)
        self.kill("console")
        self.witness = customer.order().correlation_id

    def set_fault(self, service: str, **faults: Any) -> None:
        """Switch faults of a service on."""
        url = f"{self.plan.ports.url(service)}/faults"
        requests.put(url, json=faults, timeout=HTTP_SECONDS).raise_for_status()

    def clear_faults(self, service: str) -> None:
        """Switch all faults of a service off."""
        requests.delete(f"{self.plan.ports.url(service)}/faults", timeout=HTTP_SECONDS).raise_for_status()

    def tell_payment(self, **behaviour: Any) -> None:
        """Tell the payment stand-in how to behave."""
        url = f"{self.plan.ports.url('payment')}/control"
        requests.put(url, json=behaviour, timeout=HTTP_SECONDS).raise_for_status()

    def watch(self) -> None:
        """Start again what may end by itself; ProgramDiedError for anything else that has ended."""
        try:
            self._demo.crew.watch()
        except ProgramDiedError as death:
            if not death.program.started_again:
                raise
            self.start(death.program)


@contextmanager
def open_shop(demo: Demo, configuration: Configuration, customers: Customers) -> Iterator[Shop]:
    """A demo with all its programs and customers; none is left on exit."""
    with demo.running():
        shop = Shop(demo, configuration, customers)
        shop.begin_load()
        yield shop
