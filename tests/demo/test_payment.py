"""The payment stand-in keeps its side of the contract, and does as it is told."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from demo_services.ports import free_port
from tests.demo.shop import ROOT
from tests.processes import Process

CONTRACT = json.loads((ROOT / "demo_services" / "contracts" / "payment_charge.json").read_text())


@pytest.fixture(scope="module")
def bank() -> Iterator[str]:
    """A payment stand-in, by its URL."""
    port = free_port()
    call = f"from demo_services import payment; payment.serve({port})"
    with Process([sys.executable, "-c", call], cwd=ROOT) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/control")
        yield f"http://127.0.0.1:{port}"


def charge(bank: str, key: str = "k", **more: Any) -> requests.Response:
    """Charge as the contract has it, unless told otherwise."""
    body = {**CONTRACT["request"]["body"], **more}
    return requests.post(f"{bank}/charges", json=body, headers={"Idempotency-Key": key}, timeout=5)


def behave(bank: str, wanted: Any) -> int:
    """The status that the control endpoint answers."""
    return requests.put(f"{bank}/control", json=wanted, timeout=5).status_code


def test_charge(bank: str) -> None:
    """A charge is answered as promised, and only once for each key."""
    first, again, other = charge(bank), charge(bank), charge(bank, key="other")
    assert first.status_code == CONTRACT["response"]["status"]
    assert set(first.json()) == set(CONTRACT["response"]["body"])
    assert first.json() == again.json()
    assert first.json() != other.json()


def test_bad_charge(bank: str) -> None:
    """A charge that breaks the contract is refused."""
    assert charge(bank, key="").status_code == 400
    assert charge(bank, tip_cents=5).status_code == 400


@pytest.mark.parametrize(("mode", "status"), [("decline", 402), ("error", 500), ("ok", 201)])
def test_modes(bank: str, mode: str, status: int) -> None:
    """It declines, fails, and works again."""
    assert behave(bank, {"mode": mode}) == 200
    answer = charge(bank)
    assert answer.status_code == status
    if mode == "decline":
        assert answer.json() == CONTRACT["declined"]["body"]


@pytest.mark.parametrize("wanted", [{"mode": "explode"}, {"delay_seconds": -1}, {"speed": 1}, [], None])
def test_bad_control(bank: str, wanted: Any) -> None:
    """What is not understood is a 400 and changes nothing."""
    before = requests.get(f"{bank}/control", timeout=5).json()
    assert behave(bank, wanted) == 400
    assert requests.get(f"{bank}/control", timeout=5).json() == before
