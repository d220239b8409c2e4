"""What the dashboards ask about objectives: the series the recording rules make."""

from __future__ import annotations

from dashboards.grafana.variables import TARGETS
from dashboards.promql import selector
from dashboards.rules.slo import (
    BUDGET_REMAINING,
    CURRENT_BURN_RATE,
    ERROR_BUDGET,
    OBJECTIVE,
    SLO,
    bad,
    error_ratio,
    total,
)

BUDGET_LEFT = BUDGET_REMAINING
__all__ = [
    "BUDGET_LEFT",
    "CURRENT_BURN_RATE",
    "OBJECTIVE",
    "SLO",
    "bad",
    "burn_rate",
    "error_ratio",
    "recorded",
    "total",
]


def recorded(name: str, *matchers: str) -> str:
    """The chosen services' series of a recording rule."""
    return selector(name, *TARGETS, *matchers)


def burn_rate(window: str) -> str:
    """How many times too fast the budget was spent within `window`: at 1 it lasts exactly its 30 days."""
    return f"{recorded(error_ratio(window))} / {recorded(ERROR_BUDGET)}"
