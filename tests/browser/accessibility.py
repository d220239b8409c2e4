"""What axe-core finds wrong with a page: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

_AXE = files("axe_playwright_python") / "axe.min.js"
_RUN = """() => axe.run({resultTypes: ["violations"]}).then(({violations}) => violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target.join(" ")).slice(0, 5).join(", ")}`))"""


def faults(page: Page) -> list[str]:
    """Serious and critical findings, each with the elements that have it."""
    page.evaluate(_AXE.read_text())
    found: list[str] = page.evaluate(_RUN)
    return found
