"""How a story ended, in a sentence, and what it ended so for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from django_observe.console.formatting import visible
from django_observe.console.step import State, Step


class Verdict(NamedTuple):
    """`fault` is the error that it came to, or that was made up for."""

    state: State
    text: str
    fault: str = ""


def verdict(steps: Sequence[Step]) -> Verdict:
    """What the last attempts came to: an attempt that was made up for is no failure. At least one step."""
    last = [step for step in steps if step.attempt == step.attempts or not step.attempt]
    roots = _roots(steps)
    failed = [step for step in last if step.state == "bad" and step.kind in ("task", "message", "work")]
    failed = failed or [step for step in roots if step.state == "bad"]
    if failed:
        return _failed(steps, failed[-1])
    refused = [step for step in roots if step.kind == "request" and step.state == "retry"]
    if refused:
        text = f"{refused[-1].short_name} was refused: {refused[-1].outcome}"
        return Verdict("bad", text, _because(steps, refused[-1]))
    unsent = [step for step in steps if step.kind == "publish" and step.state == "bad"]
    if unsent:
        return Verdict("bad", f"{_unsent(unsent[-1])} by {visible(unsent[-1].service)}", unsent[-1].fault)
    return _waiting(steps, last) or _completed(steps)


def retries(steps: Sequence[Step]) -> int:
    """How many attempts were not the first of their task."""
    return sum(step.attempt > 1 for step in steps)


def _roots(steps: Sequence[Step]) -> list[Step]:
    """The requests that nothing here caused; of those that a client sent again the last."""
    asked = {(step.service, step.name): step for step in steps if step.kind == "request" and not step.parent}
    return list(asked.values()) or list(steps[:1])


def _failed(steps: Sequence[Step], failed: Step) -> Verdict:
    """Its headline names another service of ours, if that is what broke."""
    causes = [] if failed.fault else list(_causes(steps, failed))
    broke = causes[-1] if causes and causes[-1].kind == "request" else failed
    text = f"{failed.short_name} failed in {visible(failed.service)}"
    if broke.service != failed.service:
        text += f": {visible(broke.service)} {_ended(broke)}"
    return Verdict("bad", text, _because(steps, failed))


def _waiting(steps: Sequence[Step], last: Sequence[Step]) -> Verdict | None:
    went_on = {step.parent for step in steps if step.kind == "task"}
    open_kinds = {("task", "open"), ("task", "retry"), ("publish", "open")}
    waiting = [step for step in last if (step.kind, step.state) in open_kinds and step.id not in went_on]
    if not waiting:
        return None
    told = "waits to be tried again" if waiting[-1].state == "retry" else "has not been taken up yet"
    return Verdict("open", f"{waiting[-1].short_name} {told}", waiting[-1].fault)


def _completed(steps: Sequence[Step]) -> Verdict:
    again = retries(steps)
    if again:
        fault = next((step.fault for step in reversed(steps) if step.state == "retry"), "")
        return Verdict("retry", f"Completed after {again} {'retry' if again == 1 else 'retries'}", fault)
    bad = [step for step in steps if step.state == "bad"]
    if bad:
        errors = f"{len(bad)} {'error' if len(bad) == 1 else 'errors'}"
        return Verdict("retry", f"Completed in spite of {errors}", _told(bad[0], 1))
    return Verdict("ok", "Completed")


def _because(steps: Sequence[Step], failed: Step) -> str:
    """Its own error, else the last that failed of what it caused, and how often, else what it warned of."""
    if failed.fault:
        return failed.fault
    causes = list(_causes(steps, failed))
    if not causes:
        return failed.warning
    times = sum((step.name, step.lane) == (causes[-1].name, causes[-1].lane) for step in causes)
    return _told(causes[-1], times)


def _causes(steps: Sequence[Step], failed: Step) -> Iterator[Step]:
    """What failed below it and was not made up for; of a refusal what was refused below it."""
    parents = {step.id: step.parent for step in steps}
    last = {(step.name, step.lane, step.parent): step.state for step in steps}
    for step in steps:
        refused = step.kind in ("request", "call") and step.outcome.startswith("4")
        fits = step.state == "bad" if failed.state == "bad" else refused
        made_up = last[step.name, step.lane, step.parent] == "ok"
        if fits and not made_up and _is_below(step.id, failed.id, parents):
            yield step


def _is_below(step: str, top: str, parents: Mapping[str, str]) -> bool:
    seen = set()
    while (step := parents.get(step, "")) and step not in seen:
        if step == top:
            return True
        seen.add(step)
    return False


def _told(step: Step, times: int) -> str:
    often = f", {times} times" if times > 1 else ""
    fault = f": {step.fault}" if step.fault else ""
    if step.kind == "publish":
        return f"{_unsent(step)}{often}{fault}"
    return f"{step.short_name} at {visible(step.lane)} {_ended(step)}{often}{fault}"


def _ended(step: Step) -> str:
    return f"answered {step.outcome}" if step.outcome.isdigit() else step.outcome


def _unsent(step: Step) -> str:
    return f"{step.short_name} could not be sent to the broker"
