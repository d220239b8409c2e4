"""The checklist can fail: where nothing arrived and nothing runs, not one check passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_services import checklist
from demo_services.checklist import Checklist
from demo_services.customer import PlacedOrder
from demo_services.demo import FirstOrder
from demo_services.plan import SERVICES, Plan
from demo_services.ports import Ports


def test_nothing_passes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order whose ID got lost on the way fails every check."""
    monkeypatch.setattr(checklist, "ARRIVE_SECONDS", 0)
    (tmp_path / "log").mkdir()
    for name in (*SERVICES, "worker"):
        (tmp_path / "log" / f"{name}.log").write_text('{"message": "a line", "correlation_id": "another"}\n')
    order = PlacedOrder("o-1", "in-the-header", {"correlation_id": "in-the-body"})

    findings = Checklist(Plan(Ports.free(), tmp_path), FirstOrder(order, None, "0" * 32)).findings()

    assert len(findings) == 15
    assert [finding.check for finding in findings if finding.passed] == []
