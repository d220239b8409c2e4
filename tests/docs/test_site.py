"""The documentation is a site that builds without a warning, and asks for nothing outside itself."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

SOURCES = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make site` does."""
    [line] = re.findall(r"-m (sphinx .*) docs build/site$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-W",
        "ignore::DeprecationWarning",
        "-m",
        *line.split(),
        str(SOURCES),
        str(folder),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return folder


def test_every_page_is_there_and_in_the_sidebar(site: Path) -> None:
    pages = {str(page.relative_to(SOURCES).with_suffix(".html")) for page in SOURCES.rglob("*.md")}
    assert {page for page in pages if not (site / page).exists()} == set()
    sidebar = (site / "index.html").read_text().partition('<div class="sidebar-tree">')[2]
    linked = set(re.findall(r'href="([^"#]+\.html)"', sidebar.partition("</aside>")[0]))
    assert pages - linked == {"README.html"}


def test_nothing_comes_from_elsewhere(site: Path) -> None:
    """No script, style, font or picture of another host; a link that a reader follows may lead anywhere."""
    loads = re.compile(
        r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"(https?:)?//|<link\b[^>]*\bhref=\"(https?:)?//"
    )
    styles = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//")
    found = [page for page in site.rglob("*.html") if loads.search(unescape(page.read_text()))]
    found += [sheet for sheet in site.rglob("*.css") if styles.search(sheet.read_text())]
    assert found == []
