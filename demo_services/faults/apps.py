"""The fault switches as an application that each service installs."""

from django.apps import AppConfig
from django.conf import settings

from demo_services.faults import database
from demo_services.faults.board import board


class FaultsConfig(AppConfig):
    name = "demo_services.faults"

    def ready(self) -> None:
        """Refuse a DEMO_FAULTS that cannot be had; where faults are allowed, hook into what can be lost."""
        if not board().allowed:
            return
        database.install()
        if any(hasattr(settings, f"{name.upper()}_URL") for name in board().switches.dependencies):
            from demo_services.faults import outbound

            outbound.install()
        if "broker" in board().switches.dependencies:
            from demo_services.faults import publishing

            publishing.install()
