"""The fault switches as an application that each service installs."""

from django.apps import AppConfig

from demo_services.faults.board import board


class FaultsConfig(AppConfig):
    name = "demo_services.faults"

    def ready(self) -> None:
        """Refuse to start with a DEMO_FAULTS that cannot be had; hook into what can be lost."""
        board()
