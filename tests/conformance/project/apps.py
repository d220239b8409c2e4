"""The project's own application."""

from django.apps import AppConfig

from tests.conformance.project.kit import KIT


class ConformanceConfig(AppConfig):
    """Named by the settings as `tests.conformance.project`."""

    name = "tests.conformance.project"
    label = "conformance"

    def ready(self) -> None:
        """Breaks what a test wants broken."""
        if KIT == "ours":
            from tests.conformance.project import breakage

            breakage.apply()
