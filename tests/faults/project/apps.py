"""The project's own application; its `ready` comes before that of django_observe."""

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    """Named by the settings as `tests.faults.project`."""

    name = "tests.faults.project"
    label = "faults"

    def ready(self) -> None:
        """Breaks what a test wants broken, the name service included."""
        from tests.faults import breakages
        from tests.faults.project import resolver

        breakages.apply()
        resolver.install()
