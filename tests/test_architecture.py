"""The shape of the package: who may import whom, who may read the environment, who may catch everything."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import django_observe

PACKAGE = Path(django_observe.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.stat().st_size)
EDGES = {"middleware", "streaming", "endpoints", "celery", "outbound", "urllibrequest", "database"}
EDGES |= {"consumers", "handshake", "websocket", "httpconsumer", "workerchannel"}
EDGES |= {"backgroundtasks", "commands", "messages"}
REPORTERS = {"logs", "metrics", "traces"}
PROGRAMS = {"gunicorn.py", "cli.py", "console"}
"""Programs and configuration files of their own, which read their own environment."""

MAX_FILE = 250
MAX_FUNCTION = 40
"""Hard stops, in lines; the aim is 200 and 25."""


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def ours(path: Path) -> set[str]:
    """The modules of the package that a file imports at its top, as names below `django_observe`."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module == "django_observe":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django_observe."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("django_observe.")
            }
    return found


def imported(path: Path) -> set[str]:
    """Every module a file imports, anywhere in it, by its full name."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {
        f"{node.module}.{alias.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_vocabulary_imports_nothing_of_ours_and_no_django() -> None:
    modules = {name.split(".")[0] for name in imported(PACKAGE / "vocabulary.py")}
    assert modules <= {"__future__", "dataclasses", "typing"}


@pytest.mark.parametrize("reporter", sorted(REPORTERS))
def test_a_reporter_imports_neither_an_edge_nor_another_reporter(reporter: str) -> None:
    path = PACKAGE / f"{reporter}.py"
    assert ours(path) & (EDGES | REPORTERS - {reporter}) == set()


@pytest.mark.parametrize(
    ("program", "callers"),
    [
        ("doctor", {"management/commands/observe.py"}),
        ("console", {"cli.py", "doctor", "management/commands/observe.py"}),
    ],
)
def test_no_module_of_a_service_imports_a_program(program: str, callers: set[str]) -> None:
    """Anywhere in it, at its top or not; a folder among the callers is another program."""
    paths = [
        path.relative_to(PACKAGE)
        for path in MODULES
        if any(f"{module}.".startswith(f"django_observe.{program}.") for module in imported(path))
    ]
    importers = {path.parts[0] if path.parts[0] in {"doctor", "console"} else str(path) for path in paths}
    assert importers - {program} == callers


def test_only_conf_reads_the_settings_and_the_environment() -> None:
    """A part that changes a setting in place (the middleware, LOGGING) says so by a name of its own."""
    changes_in_place = {"middleware.py", "logs.py"}
    readers = {name_of(path) for path in MODULES if reads_configuration(path)}
    assert {name for name in readers if name.split("/")[0] not in PROGRAMS} <= {"conf.py"} | changes_in_place


def reads_configuration(path: Path) -> bool:
    environment = {"os.environ", "os.getenv", "django.conf.settings"}
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return bool((imported(path) | used) & environment)


BROAD = {"Exception", "BaseException"}


def is_broad(node: ast.AST) -> bool:
    """A bare or broad `except` that does not raise again, or `suppress(Exception)`."""
    if isinstance(node, ast.ExceptHandler):
        caught = (
            {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else BROAD
        )
        return bool(caught & BROAD) and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return bool({ast.unparse(argument) for argument in node.args} & BROAD)
    return False


def test_nobody_but_the_guard_catches_everything() -> None:
    """A handler that raises again is a `finally` and may be broad."""
    found = [
        f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
        for path in MODULES
        if path.name != "reporting.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if is_broad(node)
    ]
    assert found == []


def test_files_stay_within_one_sitting() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE} == {}


def test_functions_stay_on_one_screen() -> None:
    long = {
        f"{name_of(path)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION
    }
    assert long == {}


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils.py", "helpers.py", "common.py", "base.py", "misc.py", "tasks.py"}
    assert {name_of(path) for path in MODULES if path.name in drawers} == set()
