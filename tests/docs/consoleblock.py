"""What is wrong with the commands of a block: programs, options, files, variables that are not there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec

import opentelemetry.sdk.environment_variables as of_the_sdk
from opentelemetry import environment_variables as of_the_api

from tests.docs import shellwords
from tests.docs.blocks import ROOT, Block
from tests.docs.options import (
    celery,
    click_program,
    curl,
    daphne,
    django_observe,
    gunicorn,
    hypercorn,
    management,
    pip,
    waitress,
)
from tests.docs.shellwords import Command

Checker = Callable[[list[str]], Iterator[str]]
BUILTINS = {
    *(".", "cat", "cd", "chmod", "chown", "cp", "echo", "env", "export", "grep", "head", "jq", "kill", "ls"),
    *("mkdir", "mv", "rm", "sleep", "sort", "source", "ss", "tail", "tee", "touch", "umask", "unset", "wc"),
}
"""Programs of every machine, and the shell's own."""
PREFIXES = {"sudo", "nice", "time", "exec"}
FOLDERS = ("stack", "dashboards", "tests", "docs", "demo_services", "django_observe")
"""Arguments that begin with one of these name a file of the repository."""


def faults(block: Block) -> Iterator[str]:
    """Each in words."""
    inputs = list((shellwords.typed if block.language == "console" else shellwords.script)(block.text))
    if not inputs:
        yield "no command in it: a line that is typed begins with `$ `; for output alone write `text`"
    parsed = subprocess.run(
        ["bash", "-n"], input="\n".join(inputs), capture_output=True, text=True, check=False
    )
    if parsed.returncode:
        yield parsed.stderr
        return
    for each in inputs:
        for command in shellwords.commands(each):
            yield from _variables(command)
            yield from program(list(command.words))


def program(words: list[str]) -> Iterator[str]:
    """What the program itself would say of its arguments."""
    while words and words[0] in PREFIXES:
        words = words[1:]
    if not words:
        return
    name = words[0].rpartition("/")[2]
    if name not in PROGRAMS and name not in BUILTINS:
        yield f"no checker knows the program {name}: add it to PROGRAMS in tests/docs/consoleblock.py"
    yield from PROGRAMS.get(name, _no_options)(words[1:])
    for word in words[1:]:
        if word.split("/")[0] in FOLDERS and "/" in word and not _is_there(word):
            yield f"no such file: {word}"


def _is_there(path: str) -> bool:
    """Secrets are the reader's own."""
    return bool(re.search(r"/secrets(/|$)", path)) or bool(list(ROOT.glob(path)))


def _no_options(_: list[str]) -> Iterator[str]:
    yield from ()


@cache
def _variable_names() -> set[str]:
    """Those of OpenTelemetry, and those that our programs read."""
    sources = [ROOT / "Makefile", ROOT / "docker-compose.yml", ROOT / ".env.example"]
    for folder in ("django_observe", "demo_services", "stack"):
        sources += (ROOT / folder).rglob("*.py")
    ours = re.findall(r"\b[A-Z]+_[A-Z_]+\b", "\n".join(source.read_text() for source in sources))
    return {*vars(of_the_sdk), *vars(of_the_api), *ours}


def _variables(command: Command) -> Iterator[str]:
    for name, _ in command.variables:
        if (
            name.startswith(("OTEL_", "OBSERVE_", "DJANGO_OBSERVE", "DEMO_"))
            and name not in _variable_names()
        ):
            yield f"nobody reads {name}"


def make(arguments: list[str]) -> Iterator[str]:
    """Targets and variables of the Makefile."""
    text = (ROOT / "Makefile").read_text()
    for word in arguments:
        name, assigned, _ = word.partition("=")
        if not re.search(rf"^{name} \?=" if assigned else rf"^{name}:", text, re.MULTILINE):
            yield f"the Makefile has no {word}"


def python(arguments: list[str]) -> Iterator[str]:
    """`manage.py`, `-m` and files of the repository."""
    match arguments:
        case ["manage.py", *rest]:
            yield from management(rest)
        case ["-m", "pip", *rest]:
            yield from pip(rest)
        case ["-m", module, *_] if not (ROOT / module.replace(".", "/")).exists():
            yield from _module(module)
        case ["-c", code, *_]:
            compile(code, "-c", "exec")
        case [path, *_] if path.endswith(".py") and not (ROOT / path).exists():
            yield f"no such file: {path}"


def _module(name: str) -> Iterator[str]:
    if find_spec(name) is None:
        yield f"no module {name}"


def docker(arguments: list[str]) -> Iterator[str]:
    """Compose's commands, with services that are in the file."""
    match arguments:
        case ["compose", verb, *rest]:
            known = {"up", "down", "ps", "logs", "exec", "restart", "config", "pull", "build", "stop", "run"}
            services = re.findall(r"^  ([a-z-]+):$", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE)
            if verb not in known:
                yield f"docker compose has no {verb}"
            if verb in {"restart", "logs", "stop"}:
                yield from (f"no service {each}" for each in rest if each[0] != "-" and each not in services)
        case _:
            yield "of docker only compose is known here"


PROGRAMS: Mapping[str, Checker] = {
    "amtool": _no_options,
    "celery": celery,
    "curl": curl,
    "daphne": daphne,
    "django-admin": management,
    "django-observe": django_observe,
    "docker": docker,
    "granian": lambda words: click_program("granian.cli", "cli", words),
    "gunicorn": gunicorn,
    "hypercorn": hypercorn,
    "make": make,
    "opentelemetry-instrument": program,
    "pip": pip,
    "promtool": _no_options,
    "pytest": _no_options,
    "python": python,
    "python3": python,
    "uvicorn": lambda words: click_program("uvicorn", "main", words),
    "uwsgi": _no_options,
    "waitress-serve": waitress,
}
