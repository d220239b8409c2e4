"""The Grafana dashboards, built with grafana-foundation-sdk (Python 3.11 and later)."""

from __future__ import annotations


def files() -> dict[str, str]:
    """Every dashboard: path below the output folder, JSON text."""
    return {}
