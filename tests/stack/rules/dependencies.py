"""Calls that fail or take long, circuit breakers."""

from __future__ import annotations

from tests.stack.rules.case import LINES, TARGET, Case, Expected, ramp, series

CALLS = "http_client_request_duration_seconds"
WARNINGS = f'{LINES} | severity_text=~"WARNING|ERROR|CRITICAL"'


def _calls(address: str, status: str, values: str, name: str = "count", **more: str) -> dict[str, str]:
    labels = {"server_address": address, "http_request_method": "GET", "http_response_status_code": status}
    return {series(f"{CALLS}_{name}", **labels, **more): values}


def _failing(address: str, share: str, **dependency: str) -> Expected:
    return Expected(
        labels={**TARGET, **dependency, "server_address": address, "severity": "ticket"},
        summary=f"orders (test): {share} of calls to {address} fail, since 00:05 UTC",
        description="Calls answered with 5xx or not at all, in the last five minutes.",
        dashboard="observe-dependencies",
        logs=WARNINGS,
        since=300,
    )


_FAILING = (
    Case(
        alert="DependencyFailing",
        title="11 % without an answer, by the name of a service",
        series={
            **_calls("auth.shop.svc", "200", "0+89x40"),
            **_calls("auth.shop.svc", "", ramp((0, 19), (220, 1), (11, 20))),
        },
        at=330,
        expected=_failing("auth.shop.svc", "11.97%", dependency="auth"),
    ),
    Case(
        alert="DependencyFailing",
        title="a fifth with 503, by an address",
        series={
            **_calls("10.0.0.7", "200", "0+80x40"),
            **_calls("10.0.0.7", "503", ramp((0, 19), (400, 1), (20, 20))),
        },
        at=330,
        expected=_failing("10.0.0.7", "21.57%"),
    ),
    Case(
        alert="DependencyFailing",
        title="somebody else's api, which is no service of one's own",
        series={
            **_calls("api.stripe.com", "200", "0+80x40"),
            **_calls("api.stripe.com", "503", ramp((0, 19), (400, 1), (20, 20))),
        },
        at=330,
        expected=_failing("api.stripe.com", "21.57%"),
    ),
    Case(
        alert="DependencyFailing",
        title="ten instances get one 503 each, and have never called before",
        series={
            key: values
            for number in range(10)
            for key, values in {
                series("up", instance=f"orders-{number}:8000"): "1x40",
                **_calls("auth:8000", "503", "_x20 1x20", instance=f"orders-{number}:8000"),
            }.items()
        },
        at=330,
        expected=_failing("auth:8000", "100%", dependency="auth"),
    ),
    Case(
        alert="DependencyFailing",
        title="9 % with 500",
        series={**_calls("auth", "200", "0+91x40"), **_calls("auth", "500", "0+9x40")},
        at=570,
    ),
    Case(
        alert="DependencyFailing",
        title="four calls, all of them with 500",
        series=_calls("auth", "500", "0x20 4x20"),
        at=540,
    ),
    Case(
        alert="DependencyFailing",
        title="all answered with 404",
        series=_calls("auth", "404", "0+100x40"),
        at=570,
    ),
)


def _durations(slow: float, before: float) -> dict[str, str]:
    """120 steps in which this share took 1 to 2.5 s, then 20 steps of another share."""
    buckets = {"0.5": (1 - before, 1 - slow), "1": (1 - before, 1 - slow), "2.5": (1, 1), "+Inf": (1, 1)}
    found = {"count": ramp((100, 120), (100, 20))}
    return {
        **_calls("payment", "200", found["count"]),
        **{
            key: values
            for le, (first, then) in buckets.items()
            for key, values in _calls(
                "payment", "200", ramp((100 * first, 120), (100 * then, 20)), "bucket", le=le
            ).items()
        },
    }


_SLOW = (
    Case(
        alert="DependencySlow",
        title="half of the calls take 1 to 2.5 s, where none did",
        series=_durations(0.5, 0),
        at=140 * 15,
        expected=Expected(
            labels={**TARGET, "dependency": "payment", "server_address": "payment", "severity": "ticket"},
            summary="orders (test): calls to payment take 2.35s, since 00:30 UTC",
            description="The 95th percentile of five minutes; over 3 times that of the hour before.",
            dashboard="observe-dependencies",
            logs=f"{LINES} | http_ms > 1000",
            since=1845,
        ),
    ),
    Case(
        alert="DependencySlow",
        title="half of the calls take 1 to 2.5 s, as they always did",
        series=_durations(0.5, 0.5),
        at=140 * 15,
    ),
    Case(alert="DependencySlow", title="4 % take longer", series=_durations(0.04, 0), at=140 * 15),
)


def _breaker(values: str, at: int, *, fires: bool) -> Case:
    return Case(
        alert="CircuitBreakerOpen",
        title=f"open as in {values}",
        series={series("observe_circuit_breaker_state", breaker="payment", state="open"): values},
        at=at,
        expected=Expected(
            labels={**TARGET, "breaker": "payment", "dependency": "payment", "severity": "ticket"},
            summary="orders (test): circuit breaker payment is open since 00:05 UTC",
            description="Calls are refused without being tried, because too many failed.",
            dashboard="observe-dependencies",
            logs=WARNINGS,
            since=300,
        )
        if fires
        else None,
    )


_BREAKERS = (
    _breaker("0x19 1 1 0 1 1 1", 360, fires=True),
    _breaker("0x19 1 0 0 0 0 0", 360, fires=False),
)
CASES = (*_FAILING, *_SLOW, *_BREAKERS)
