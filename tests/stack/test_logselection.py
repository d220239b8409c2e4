"""The LogQL of alert links, as the drills answer it from the console's lines."""

from __future__ import annotations

from typing import Any

import pytest

from demo_services.drills.logselection import conditions

LINE: dict[str, Any] = {
    "service": "orders",
    "level": "ERROR",
    "message": 'POST /api/orders/ 500 (took "long")',
    "trace_id": "0" * 31 + "1",
    "attributes": {"error_type": "shop.Lost", "duration_ms": 750.5, "service.version": "1.1"},
}


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ('{service_name="orders"}', True),
        ('{service_name=~"auth|orders", deployment_environment_name="demo"}', True),
        ('{service_name="orders", deployment_environment_name="production"}', False),
        ('{service_name=~"order"}', False),
        ('{service_name=~".+"} | severity_text=~"ERROR|CRITICAL"', True),
        ('{service_name=~".+"} | severity_text!~"ERROR|CRITICAL"', False),
        ('{service_name="orders"} | error_type=~".*Lost" | duration_ms > 500', True),
        ('{service_name="orders"} | duration_ms > 751', False),
        ('{service_name="orders"} | queue_wait_ms > 0', False),
        ('{service_name="orders"} | service_version="1.1"', True),
        ('{service_name="orders"} | state!="FAILURE"', True),
        ('{service_name="orders"} |= "500 (took"', True),
        ('{service_name="orders"} |= `500 \\(took`', False),
        ('{service_name="orders"} |~ `/api/.* 5..`', True),
        ('{service_name="orders"} !~ "/api/"', False),
        ('{service_name="orders"} |= "took \\"long\\""', True),
    ],
)
def test_selection(query: str, selected: bool) -> None:
    """A line is selected when every condition holds, as Loki has it."""
    assert all(condition.holds(LINE, "demo") for condition in conditions(query)) is selected


@pytest.mark.parametrize(
    "query",
    [
        "orders",
        '{service_name="orders"} | json',
        'rate({service_name="orders"}[5m])',
        "{service_name=orders}",
    ],
)
def test_more_than_is_understood(query: str) -> None:
    """LogQL that this does not know is refused, not guessed at."""
    with pytest.raises(ValueError, match=r"."):
        conditions(query)
