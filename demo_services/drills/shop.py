"""The demo under load, with the means to break it and to mend it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import requests

from demo_services.customer import Customer
from demo_services.demo import Demo
from demo_services.drills.configuration import Configuration
from demo_services.programs import POLL_SECONDS, Program, ProgramDiedError

USERS = 8
LONGEST_LOAD = "3h"
HTTP_SECONDS = 10


class Shop:
    """A running demo; `started` is when (Unix seconds) its services began to count."""

    def __init__(self, demo: Demo, configuration: Configuration, *, browsing: bool) -> None:
        self._demo = demo
        self._browsing = browsing
        self._configuration = configuration
        self.plan = demo.plan
        self.started = time.time()
        self.witness = ""
        """The correlation ID of an order that the drill itself placed during the incident, if it did."""

    def begin_load(self) -> None:
        """Customers who keep ordering, a bounded number for a bounded time."""
        traffic = self.plan.traffic(USERS)
        argv = [*traffic.argv, "--spawn-rate", "2", "--run-time", LONGEST_LOAD]
        quieter = {} if self._browsing else {"NOTIFICATIONS_URL": ""}
        self.start(replace(traffic, argv=argv, env={**traffic.env, **quieter}))

    def end_load(self) -> None:
        """The customers go away."""
        self.kill("traffic")

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
def open_shop(demo: Demo, configuration: Configuration, *, browsing: bool = False) -> Iterator[Shop]:
    """A demo with all its programs and customers, none left on exit; `browsing`: they look for mails, too."""
    with demo.running():
        shop = Shop(demo, configuration, browsing=browsing)
        shop.begin_load()
        yield shop
