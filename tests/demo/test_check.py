"""`python -m demo_services check`: one order through everything, natively and on real servers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.demo.servers import postgresql, rabbitmq, redis
from tests.demo.test_runner import run

MOST_SECONDS = 60


def test_native(tmp_path: Path) -> None:
    """On SQLite and files, every check passes, within a minute."""
    started = time.monotonic()
    _all_pass(tmp_path)
    assert time.monotonic() - started < MOST_SECONDS


def test_postgresql_and_redis(tmp_path: Path) -> None:
    """On real servers, every check passes, and the data is in them."""
    with postgresql("auth", "orders", "notifications") as database, redis() as broker:
        _all_pass(tmp_path, DATABASE_URL=database.url, CELERY_BROKER_URL=broker)
        assert database.ask("orders", "select status from orders_order") == "paid"
        assert database.ask("notifications", "select count(sent_at) from notifications_notification") == "1"


def test_rabbitmq(tmp_path: Path) -> None:
    """With RabbitMQ between orders and notifications, every check passes."""
    with rabbitmq() as broker:
        _all_pass(tmp_path, CELERY_BROKER_URL=broker)


def _all_pass(state: Path, **more: str) -> None:
    checked = run(state, "check", **more)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("✓ │") >= 15
    assert "✗" not in checked.stdout


@pytest.fixture(autouse=True)
def _no_broker_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)
