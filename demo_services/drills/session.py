"""A run of several drills on one demo."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from demo_services.demo import Demo
from demo_services.drills import drill, history
from demo_services.drills.addresses import free_addresses
from demo_services.drills.configuration import Configuration
from demo_services.drills.drill import Drill, Outcome
from demo_services.drills.incidents import Incident
from demo_services.drills.monitoring import Monitoring
from demo_services.drills.shop import Shop, open_shop
from demo_services.drills.webhook import Webhook

WARM_UP_SECONDS = 15
"""At any pace: until the customers have accounts, and every route has been asked for."""


def play_all(demo: Demo, incidents: Iterable[Incident], pace: float) -> Iterator[Outcome]:
    """Each incident's outcome as soon as it is known; each gets a Prometheus that knows no other."""
    addresses = free_addresses()
    configuration = Configuration(demo.plan.state / "monitoring", demo.plan.ports, addresses, pace)
    monitoring = Monitoring(configuration)
    say = demo.screen.console.print
    webhook = Webhook(addresses.url("webhook"))
    with open_shop(demo, configuration) as shop:
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
