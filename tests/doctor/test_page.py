"""The page of the doctor has the table of the faults that are planted here."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from typing import Any

from django_observe.doctor import run
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK
from tests.doctor import faulttable


def test_the_page_has_every_planted_fault() -> None:
    page = faulttable.PAGE.read_text()
    assert page == faulttable.page_with(faulttable.collected()), "python -m tests.doctor.faulttable writes it"
    assert len(faulttable.PLANTED) > 50


def test_the_output_shown_is_of_a_run_of_all_hops() -> None:
    """Its lines are those of the modules, in their order; some have more than one line."""
    shown = re.findall(rf"(?m)^   ({OK}|{BROKEN}|{NOT_CONFIGURED}) +(\S.*?)  ", faulttable.PAGE.read_text())
    modules = [hop_modules()[re.sub("^OTLP .*", "OTLP", hop).partition(":")[0]] for _, hop in shown]
    assert list(dict.fromkeys(modules)) == list(run.HOPS)
    states = Counter(state for state, _ in shown)
    counted = ", ".join(f"{states[state]} {state}" for state in (BROKEN, OK, NOT_CONFIGURED))
    assert f"\n   {counted}\n" in faulttable.PAGE.read_text()


def hop_modules() -> dict[str, str]:
    """By the name of a hop the module of run.HOPS that has it."""
    modules: dict[str, Any] = {name: import_module(f"django_observe.doctor.{name}") for name in run.HOPS}
    return {
        value: name
        for name, module in modules.items()
        for key, value in vars(module).items()
        if key.endswith("HOP")
    }
