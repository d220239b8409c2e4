"""The documents say what the code says, and every command and link in them exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from django_observe import vocabulary
from docs import build

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text()


def names(owner: type) -> set[str]:
    return {value for name, value in vars(owner).items() if name.isupper()}


def test_the_generated_tables_are_up_to_date() -> None:
    assert build.drifted() == [], "run `make docs`"


def test_every_log_field_is_described() -> None:
    described = set(re.findall(r"`(\w+)`", (ROOT / "docs/reference/log-fields.md").read_text()))
    assert names(vocabulary.Field) - described == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readmes_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README))
    assert {"demo", "test"} <= named <= targets


def test_the_readme_shows_log_fields_that_exist() -> None:
    """Fields of the example line; what a project adds with `extra` is not in the example."""
    [line] = re.findall(r"^\{\"timestamp\".*?\}$", README, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r'"(\w+)":', line)) - names(vocabulary.Field) == set()


THREADS = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs/how-to/threads.md").read_text(), re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("example", THREADS, ids=["rebind", "process", "empty context"])
def test_the_examples_of_threads_print_what_they_say(example: str, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(f"import django; django.setup()\n{example}")
    ran = subprocess.run(
        [sys.executable, program],
        env={"PATH": "", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == re.findall(r"# printed: (.*)$", example, re.MULTILINE)
