"""How a story ended, told from its steps alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from django_observe.console.step import Step
from django_observe.console.verdict import verdict


def step(kind: str, state: str = "ok", outcome: str = "done", **fields: Any) -> Step:
    values = {
        "id": kind,
        "service": "shop",
        "lane": "shop",
        "name": f"shop.{kind}",
        "start_ns": 0,
        "end_ns": 1,
        **fields,
    }
    return Step(kind=kind, state=state, outcome=outcome, trace_id="", **values)  # type: ignore[arg-type]


def attempts(*states: str) -> list[Step]:
    return [
        step(
            "task",
            state,
            id=f"run{number}",
            attempt=number,
            attempts=len(states),
            fault=f"fault {number}" * (state != "ok"),
        )
        for number, state in enumerate(states, 1)
    ]


REQUEST = step("request", outcome="201")
CALL = step("call", "bad", "503", lane="pay.example", parent="request", name="POST /charges")
REFUSED = step("request", "retry", "402", name="POST orders/", warning="order not paid")
FAILED = step("request", "bad", "502", name="POST orders/", warning="auth is failing, not asked")
AUTH = step(
    "request", "bad", "500", id="asked", parent="request", name="GET users/", service="auth", lane="auth",
    fault="Boom",
)  # fmt: skip
UNSENT = step("publish", "bad", "still unsent", parent="request", fault="Connection refused")


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([REQUEST], ("ok", "Completed", "")),
        (
            [REQUEST, CALL],
            ("retry", "Completed in spite of 1 error", "POST /charges at pay.example answered 503"),
        ),
        ([REQUEST, *attempts("retry", "ok")], ("retry", "Completed after 1 retry", "fault 1")),
        ([REQUEST, *attempts("retry", "retry", "ok")], ("retry", "Completed after 2 retries", "fault 2")),
        ([REQUEST, *attempts("retry", "bad")], ("bad", "task failed in shop", "fault 2")),
        ([REQUEST, *attempts("retry")], ("open", "task waits to be tried again", "fault 1")),
        ([REQUEST, step("publish", "open")], ("open", "publish has not been taken up yet", "")),
        (
            [step("request", "bad", "502"), CALL, CALL],
            ("bad", "shop.request failed in shop", "POST /charges at pay.example answered 503, 2 times"),
        ),
        (
            [step("request", "bad", "500", fault="KeyError"), CALL],
            ("bad", "shop.request failed in shop", "KeyError"),
        ),
        ([REFUSED], ("bad", "POST orders/ was refused: 402", "order not paid")),
        (
            [REFUSED, step("call", "bad", "402", lane="pay", parent="request", name="POST /charges")],
            ("bad", "POST orders/ was refused: 402", "POST /charges at pay answered 402"),
        ),
        ([REFUSED, step("request", id="again", outcome="201", name="POST orders/")], ("ok", "Completed", "")),
        ([FAILED], ("bad", "POST orders/ failed in shop", "auth is failing, not asked")),
        (
            [FAILED, AUTH, AUTH],
            (
                "bad",
                "POST orders/ failed in shop: auth answered 500",
                "GET users/ at auth answered 500, 2 times: Boom",
            ),
        ),
        (  # what was made up for is not what it failed for
            [FAILED, AUTH, replace(AUTH, id="again", state="ok", outcome="200")],
            ("bad", "POST orders/ failed in shop", "auth is failing, not asked"),
        ),
        (
            [REQUEST, UNSENT],
            ("bad", "publish could not be sent to the broker by shop", "Connection refused"),
        ),
        (
            [FAILED, UNSENT],
            (
                "bad",
                "POST orders/ failed in shop",
                "publish could not be sent to the broker: Connection refused",
            ),
        ),
        ([REQUEST, replace(UNSENT, state="retry", outcome="sent later")], ("ok", "Completed", "")),
        (  # an instrumentation that tells no task ID: the retry is known by what caused it
            [step("task", "retry", id="one"), step("task", id="other", parent="one")],
            ("ok", "Completed", ""),
        ),
    ],
)
def test_the_last_attempts_decide(steps: list[Step], told: tuple[str, str, str]) -> None:
    assert tuple(verdict(steps)) == told


def test_steps_that_are_each_others_parents_are_looked_through_once() -> None:
    one = step("request", "bad", "500", id="one", parent="other")
    other = step("call", "bad", "500", id="other", parent="one", name="GET /", lane="pay")
    assert verdict([one, other]).fault == "GET / at pay answered 500"
