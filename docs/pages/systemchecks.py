"""The page of the system checks: what each finds, and its hints."""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from types import ModuleType

from django_observe import checks, deploychecks, kitchecks, otlpchecks
from docs.pages.table import page, prose, table

KNOWN_ONLY_THEN = "…"
"""In a hint: what the code puts there is known when the check finds something."""


def system_checks() -> str:
    """Every system check: from the table in checks.py, and what the code says to do about it."""
    found = hints()
    rows = [
        (*line.strip("| ").split(" | "), found[identifier])
        for line in (checks.__doc__ or "").splitlines()
        for identifier in re.findall(r"^\| `(\S+)`", line)
    ]
    return page(
        "System checks",
        "`manage.py check --tag observability` runs them; those marked `--deploy` come with that option. "
        "Faults in DJANGO_OBSERVE stop the start of every process, this command included, before any check "
        "runs: the last lines of the traceback (`ImproperlyConfigured`) name all of them. "
        f"The last column is what the command prints as HINT; {KNOWN_ONLY_THEN} is a name or value that it "
        "fills in.",
        table(("Id", "Finds", "What to do"), rows),
    )


def hints() -> dict[str, str]:
    """By ID: the hints that the code gives with it."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in (checks, kitchecks, otlpchecks, deploychecks):
        for call in ast.walk(ast.parse(inspect.getsource(module))):
            given = {each.arg: each.value for each in call.keywords} if isinstance(call, ast.Call) else {}
            if {"hint", "id"} <= given.keys():
                hint = "".join(_parts(given["hint"], module))
                found[ast.literal_eval(given["id"])].append(_linked(hint))
    return {identifier: " Or: ".join(each) for identifier, each in found.items()}


def _parts(hint: ast.expr, module: ModuleType) -> Iterator[str]:
    """A constant, or the parts of an f-string, in which constants of the module are known."""
    for part in hint.values if isinstance(hint, ast.JoinedStr) else [hint]:
        if isinstance(part, ast.FormattedValue):
            expression = compile(ast.Expression(part.value), module.__name__, "eval")
            try:
                yield str(eval(expression, vars(module)))  # noqa: S307 - our own code
            except NameError:
                yield KNOWN_ONLY_THEN
        else:
            yield str(ast.literal_eval(part))


def _linked(hint: str) -> str:
    """With the page it names as a link; without sentences, and pages, that are known only then."""
    linked = re.sub(r"In the documentation: (how-to/([\w-]+)\.md)", r"[\2](../\1).", prose(hint))
    return re.sub(rf" In the documentation: \S*{KNOWN_ONLY_THEN}\S*|(?<=\. ){KNOWN_ONLY_THEN}", "", linked)
