"""How numbers read, what lines are drawn, and which routes are health checks."""

from __future__ import annotations

from collections import Counter

import pytest

from django_observe.console import figures, quiet_routes


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (0, "0"),
        (1204.4, "1,204"),
        (12.44, "12.4"),
        (1.236, "1.24"),
        (0.42, "0.42"),
        (0.0171, "0.017"),
        (1e-5, "< 0.001"),
    ],
)
def test_rates_read_with_two_or_three_figures(per_second: float, text: str) -> None:
    assert figures.rate(per_second) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.0001, "< 0.1 %"), (0.004, "0.4 %"), (0.234, "23 %"), (1, "100 %")]
)
def test_shares_read_as_percent(share: float, text: str) -> None:
    assert figures.percent(share) == text


def test_lines_have_gaps_where_nothing_was_measured() -> None:
    assert figures.line([0, 2, 1]).path == "M0 23h.4L50 1L100 12"
    assert figures.line([1, None, 1]).path == "M0 1h.4M100 1h.4"
    assert figures.line([1, None, 1]).area == ""
    assert figures.line([1, 1]).area == "M0 24V1L100 1V24Z"
    assert figures.line([3]).path.endswith("L100 1")
    assert figures.line([]).path == ""
    assert figures.line([0, 0]).highest == 0


@pytest.mark.parametrize(
    ("name", "quiet"),
    [
        ("GET /healthz", True),
        ("GET healthz", True),
        ("GET api/health/ready/", True),
        ("GET health-check", True),
        ("GET metrics", True),
        ("HEAD /ping", True),
        ("GET favicon.ico", True),
        ("GET api/orders/", False),
        ("GET api/metrics/history/", False),
        ("POST shipping", False),
        ("GET health/records/<int:pk>/", False),
        ("GET readings", False),
        ("GET", False),
    ],
)
def test_health_checks_are_known_by_their_route(name: str, *, quiet: bool) -> None:
    assert quiet_routes.is_quiet(name) is quiet


def test_health_checks_are_left_out_and_told() -> None:
    hidden = quiet_routes.told(
        Counter({"GET healthz": 9, "HEAD healthz": 1, "GET metrics": 5, "GET ping": 1})
    )
    assert (hidden.names, hidden.count) == ("healthz, metrics, ping", 16)
    assert quiet_routes.told(Counter({f"GET {i}/ping": 1 for i in range(5)})).names.endswith(" and 2 more")
