"""The page of a service in a real browser, and what a program is told at the same address."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from demo_services.ports import free_port
from tests.browser.conftest import browser, page
from tests.demo.shop import ROOT, environment
from tests.processes import Process

__all__ = ["browser", "page"]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The orders service alone, by its URL; its page needs none of its dependencies."""
    port = free_port()
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:django_observe.gunicorn", "--no-control-socket"]
    argv += ["--bind", f"127.0.0.1:{port}", "orders_service.wsgi:application"]
    settings = environment(
        tmp_path_factory.mktemp("state"),
        DJANGO_SETTINGS_MODULE="orders_service.settings",
        DEMO_FAULTS_ALLOWED="1",
        GRAFANA_URL="http://127.0.0.1:3000",
        OTEL_SERVICE_NAME="orders",
        OTEL_RESOURCE_ATTRIBUTES="service.version=2.5.1,deployment.environment.name=demo",
    )
    with Process(argv, cwd=ROOT / "demo_services" / "orders", env=settings) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"


def test_page(orders: str, page: Page) -> None:
    """Name, version, links, and switches that are on in plain sight; its own policy lets its style in."""
    page.goto(orders)
    expect(page.get_by_role("heading", level=1)).to_have_text("orders")
    expect(page.get_by_text("version 2.5.1, demo")).to_be_visible()
    expect(page.get_by_role("heading", name="No fault is switched on")).to_be_visible()
    calm = page.locator(".faults").evaluate("element => getComputedStyle(element).backgroundColor")
    grafana = page.get_by_role("link", name="Grafana")
    expect(grafana).to_have_attribute("href", "http://127.0.0.1:3000/d/observe-service?var-service=orders")

    requests.put(f"{orders}/faults", json={"errors": 0.3, "dependency": "auth,payment"}, timeout=10)
    page.reload()
    expect(page.get_by_role("heading", name="Faults are switched on")).to_be_visible()
    expect(page.get_by_role("row", name="errors 0.3")).to_be_visible()
    expect(page.get_by_role("row", name="dependency auth, payment")).to_be_visible()
    expect(page.get_by_text("curl -X DELETE")).to_be_visible()
    alarmed = page.locator(".faults").evaluate("element => getComputedStyle(element).backgroundColor")
    assert alarmed != calm
    requests.delete(f"{orders}/faults", timeout=10)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_schemes_on_a_phone(orders: str, page: Page, scheme: str) -> None:
    """Nothing sticks out of a narrow screen, and paper and ink follow the reader's scheme."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(orders)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize("accept", [None, "*/*", "application/json"])
def test_json(orders: str, accept: str | None) -> None:
    """A program gets JSON, as ever."""
    answer = requests.get(f"{orders}/", headers={"Accept": accept}, timeout=10)
    assert answer.headers["Vary"] == "Accept"
    assert answer.json() == {
        "service": "orders",
        "version": "2.5.1",
        "environment": "demo",
        "links": {"orders": f"{orders}/api/orders/"},
        "faults": {},
    }


def test_style_is_a_file_of_its_own() -> None:
    """The template has no style and no script in it."""
    text = Path(ROOT / "demo_services" / "faults" / "landing.html").read_text()
    assert "style=" not in text
    assert "<style" not in text
    assert "<script" not in text
