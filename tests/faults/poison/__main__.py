"""The program: real pipelines to a real receiver, and hypothesis that poisons what goes through them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from tests.collector import Collector


def main(place: str, examples: int) -> None:
    """Poisons one place so often; tells the figures on stderr, or the traceback of what went wrong."""
    with tempfile.TemporaryFile() as file, Collector() as collector:
        os.dup2(file.fileno(), 1)
        os.environ |= {
            **collector.environment,
            "OTEL_BSP_SCHEDULE_DELAY": "5000",
            "OTEL_BLRP_SCHEDULE_DELAY": "5000",
            "OTEL_LOGS_EXPORTER": "otlp",
            "FAULTS_SETTINGS": '{"LOG_FORMAT": "json"}',  # else pytest's presence leaves the level alone
            "DJANGO_SETTINGS_MODULE": "tests.faults.project.settings",
        }
        import django

        django.setup()
        from tests.faults.poison.places import PLACES

        made = PLACES[place](collector)
        for huge in made.huge():
            made.poison(huge)
        run(made.poison, made.strategy, examples)
        print(json.dumps({"examples": examples, **made.ended()}), file=sys.stderr)  # noqa: T201


def run(poison: Callable[..., None], strategy: st.SearchStrategy[object], examples: int) -> None:
    """So many examples, always the same ones unless there are many; the smallest that fails is told."""
    profile = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples <= 500,
        print_blob=False,
        verbosity=Verbosity.quiet,  # an example's repr is what is tested
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    profile(given(strategy)(poison))()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
