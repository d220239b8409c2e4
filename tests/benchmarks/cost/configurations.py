"""What is measured: which assembly, with which signals, and how much of it is sampled."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

VARIABLE = "BENCH"
"""Names the configuration to the project's settings."""

NEIGHBOUR = "BENCH_NEIGHBOUR"
"""Has the URL of the service that the view `outbound` calls."""


@dataclass(frozen=True)
class Configuration:
    """The same Django project, once more."""

    shown: str
    assembly: Literal["bare", "hand", "ours"]
    options: dict[str, bool] = field(default_factory=dict)
    """DJANGO_OBSERVE."""
    tenth: bool = False
    """One trace in ten is sampled, chosen here; else all are, as the caller has chosen."""

    @property
    def traces(self) -> bool:
        """Whether spans leave."""
        return self.assembly != "bare" and self.options.get("TRACES", True)


_TENTH = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}

HELD_BACK = {
    "OTEL_BSP_SCHEDULE_DELAY": "600000",
    "OTEL_BSP_MAX_QUEUE_SIZE": "65536",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "512",
}
"""Nothing leaves before it is told to: each measurement then has the exports that it asks for."""

CONFIGURATIONS: dict[str, Configuration] = {
    "bare": Configuration("bare", "bare"),
    "hand": Configuration("hand assembly", "hand"),
    "ours": Configuration("ours", "ours"),
    "ours-notraces": Configuration("ours, no traces", "ours", {"TRACES": False}),
    "ours-nologs": Configuration("ours, no logs", "ours", {"LOGS": False}),
    "ours-nometrics": Configuration("ours, no metrics", "ours", {"METRICS": False}),
    "ours-none": Configuration(
        "ours, the ID alone", "ours", {"TRACES": False, "LOGS": False, "METRICS": False}
    ),
    "hand-tenth": Configuration("hand assembly, 10 % sampled", "hand", tenth=True),
    "ours-tenth": Configuration("ours, 10 % sampled", "ours", tenth=True),
}


def chosen() -> Configuration:
    """The one this process is to be."""
    return CONFIGURATIONS[os.environ[VARIABLE]]


def environment(name: str, endpoint: str) -> dict[str, str | None]:
    """The variables of a process of that configuration; the same for both assemblies."""
    given = CONFIGURATIONS[name]
    inherited = dict.fromkeys(each for each in os.environ if each.startswith(("OTEL_", "OBSERVE_")))
    return {
        **inherited,
        VARIABLE: name,
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.cost.settings",
        "PYTHONHASHSEED": "0",
        "OTEL_SERVICE_NAME": "shop",
        **({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint} if given.traces else {}),
        **(_TENTH if given.tenth else {}),
    }
