"""Each service's own tests, as its own team runs them, with every warning an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.shop import ROOT, environment

SERVICES = ("auth", "orders", "notifications")


def manage(service: str, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a service's manage.py from its own folder."""
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *words],
        cwd=ROOT / "demo_services" / service,
        env={**inherited, **environment(state)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("service", SERVICES)
def test_suite(service: str, tmp_path: Path) -> None:
    """The service's tests pass, and there are some."""
    run = manage(service, tmp_path, "test")
    assert run.returncode == 0, run.stderr
    assert "OK" in run.stderr
    assert "Ran 0 tests" not in run.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_complete(service: str, tmp_path: Path) -> None:
    """The migrations make the tables that the models describe."""
    run = manage(service, tmp_path, "makemigrations", "--check", "--dry-run")
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_knows_nothing_of_observability(service: str) -> None:
    """One line in INSTALLED_APPS, and in orders the ID that its customers see and its events keep."""
    folder = ROOT / "demo_services" / service
    mentions = {
        line.strip()
        for path in folder.rglob("*.py")
        for line in path.read_text().splitlines()
        if any(word in line for word in ("django_observe", "opentelemetry", "prometheus"))
    }
    allowed = {'"django_observe",'}
    if service == "orders":
        allowed |= {f"from django_observe import {name}" for name in ("correlation_id", "correlated")}
    assert mentions == allowed


@pytest.mark.parametrize("service", SERVICES)
def test_imports_no_other_service(service: str) -> None:
    """What the services share is HTTP, the queue and the contracts, never code."""
    packages = {"auth": ("auth_service", "accounts"), "orders": ("orders_service", "orders")}
    packages["notifications"] = ("notifications_service", "notifications")
    others = [name for other, names in packages.items() if other != service for name in names]
    for path in (ROOT / "demo_services" / service).rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]):
                assert words[1].split(".")[0] not in others, f"{path}: {line}"
