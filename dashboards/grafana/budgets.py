"""What the dashboards ask about objectives: the series the recording rules make."""

from __future__ import annotations

from dashboards.grafana.variables import series
from dashboards.promql import min_by
from dashboards.rules.slo import BUDGET_REMAINING, ERROR_BUDGET, error_ratio


def left(*by: str) -> str:
    """The share of its 30 day budget that the worst objective has left."""
    return min_by(series(BUDGET_REMAINING), *by)


def burn_rate(window: str) -> str:
    """How many times too fast the budget was spent within `window`: at 1 it lasts exactly its 30 days."""
    return f"{series(error_ratio(window))} / {series(ERROR_BUDGET)}"
