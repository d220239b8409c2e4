"""A run of several drills on one demo."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from demo_services.demo import Demo
from demo_services.drills import drill, history
from demo_services.drills.addresses import free_addresses
from demo_services.drills.configuration import Configuration
from demo_services.drills.drill import Drill, Outcome
from demo_services.drills.incidents import Incident
from demo_services.drills.monitoring import Monitoring
from demo_services.drills.shop import Customers, Shop, open_shop
from demo_services.drills.webhook import Webhook

WARM_UP_SECONDS = 10
"""At any pace: until every route has been asked for."""


def play_all(demo: Demo, incidents: Sequence[Incident], pace: float, number: int) -> Iterator[Outcome]:
    """Each incident's outcome as soon as it is known; each gets a Prometheus that knows no other."""
    addresses = free_addresses()
    configuration = Configuration(demo.plan.state / "monitoring", demo.plan.ports, addresses, pace)
    monitoring = Monitoring(configuration)
    say = demo.screen.console.print
    webhook = Webhook(addresses.url("webhook"))
    customers = Customers(number, canary=any(incident.canary for incident in incidents))
    with open_shop(demo, configuration, customers) as shop:
        shop.await_customers()
        time.sleep(WARM_UP_SECONDS)
        quiet = drill.FIRST_QUIET
        for incident in incidents:
            demo.screen.heading(f"{incident.name}: {incident.title}")
            with watched(shop, monitoring):
                yield Drill(shop, monitoring, webhook, say).play(incident, quiet)
            quiet = drill.QUIET


@contextmanager
def watched(shop: Shop, monitoring: Monitoring) -> Iterator[None]:
    """A Prometheus that remembers one quiet hour, an Alertmanager, a webhook; all gone afterwards."""
    monitoring.configuration.lay()
    history.write(monitoring.configuration, monitoring.data, shop.started)
    for program in monitoring.programs():
        shop.start(program)
    yield
    for program in monitoring.programs():
        shop.kill(program.name)
