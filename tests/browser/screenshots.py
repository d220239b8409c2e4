"""Every screen of the console in both themes, wide and narrow: `python -m tests.browser.screenshots FOLDER`.

A real console is sent a quarter of an hour of a shop; what it then shows is photographed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser import traffic
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.console.running import Console, running

SIZES: Final = {1440: 900, 390: 844}
SCREENS: Final = {
    "services": "/services",
    "service": "/services/orders",
    "map": "/map",
    "traces": "/traces",
    "trace": "/trace/{order.trace_id}",
    "logs": "/logs",
    "correlation": "/c/{order.correlation_id}",
    "settings": "/settings",
}


def main(folder: Path) -> None:
    """Writes `<screen>-<width>-<theme>.png`, also of the empty page and of the sheet of keys."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, running() as console:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        _shoot(browser, console, {"empty": "/services"}, folder)
        order = traffic.send(console)
        _shoot(browser, console, {name: path.format(order=order) for name, path in SCREENS.items()}, folder)
        browser.close()


def _shoot(browser: Browser, console: Console, screens: dict[str, str], folder: Path) -> None:
    for theme in ("light", "dark"):
        for width, height in SIZES.items():
            size: ViewportSize = {"width": width, "height": height}
            context = browser.new_context(
                viewport=size, color_scheme="dark" if theme == "dark" else "light", device_scale_factor=2
            )
            page = context.new_page()
            for name, path in screens.items():
                page.goto(console.pages + path)
                _settle(page)
                page.screenshot(path=folder / f"{name}-{width}-{theme}.png")
                if name == "trace" and width > height:
                    page.keyboard.press("?")
                    page.screenshot(path=folder / f"keys-{width}-{theme}.png")
            context.close()


def _settle(page: Page) -> None:
    """Until what scripts draw is drawn."""
    page.wait_for_load_state()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
