"""The documents say what the code says, and every link in them leads somewhere."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from django_observe import logs
from django_observe.vocabulary import Field
from docs import build
from docs.pages import logfields
from tests.docs.blocks import PAGES, ROOT

README = (ROOT / "README.md").read_text()


def names(rows: logfields.Rows) -> set[str]:
    return {name for row in rows for name in row}


def test_the_generated_tables_are_up_to_date() -> None:
    assert build.drifted() == [], "run `make docs`"


LINES = {
    "_report_exchange": logfields.REQUEST,
    "_report_task": logfields.TASK,
    "_report_unrun": logfields.TASK,
    "_report_websocket": logfields.WEBSOCKET,
    "_report_channel_message": logfields.CHANNEL,
}
"""What writes a line, and the table of its fields."""
WORK = {Field.DB_COUNT, Field.DB_MS, Field.DB_REPEAT, Field.HTTP_COUNT, Field.HTTP_MS}


def fields_of(teller: str) -> set[str]:
    """The fields that one of the functions of logs.py names."""
    tree = ast.parse(inspect.getsource(getattr(logs, teller)))
    parts = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {getattr(Field, node.attr) for node in parts if ast.unparse(node.value) == "Field"}


@pytest.mark.parametrize("teller", LINES)
def test_a_lines_table_has_the_fields_that_are_written(teller: str) -> None:
    told, written = names(LINES[teller]), fields_of(teller)
    shared = names(logfields.EVERY) | {Field.USER_ID, Field.CLIENT_IP}
    assert written - told - shared == set()
    if teller != "_report_unrun":  # of which there is no run to tell
        assert told - written - WORK == set()


def test_a_field_without_a_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Field, "BASKET", "basket", raising=False)
    with pytest.raises(ValueError, match=r"what these mean: \['basket'\]"):
        logfields.log_fields()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: str(page.name))
def test_links_to_headings_lead_somewhere(page: Path) -> None:
    """Of the pages that the site does not have; of its own, Sphinx says so."""
    linked = re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", page.read_text())
    wrong = [
        (name, heading) for name, heading in linked if heading not in headings(page.parent / (name or page))
    ]
    assert wrong == []


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub and the site make them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readmes_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README))
    assert {"demo", "test"} <= named <= targets


def test_the_readme_shows_log_fields_that_exist() -> None:
    """Fields of the example line; what a project adds with `extra` is not in the example."""
    [line] = re.findall(r"^\{\"timestamp\".*?\}$", README, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r'"(\w+)":', line)) <= {
        value for name, value in vars(Field).items() if name.isupper()
    }
