"""The page that lists the commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from django_observe import cli
from django_observe.management.commands import observe
from docs.pages.table import page, prose, table


def commands() -> str:
    """`manage.py observe` and `django-observe`, from their own parsers."""
    ours = observe.Command().create_parser("manage.py", "observe")
    return page(
        "Commands",
        "Two programs: `manage.py observe` runs in your project, `django-observe` beside it.",
        *_sections("manage.py observe", ours),
        *_sections("django-observe", cli._parser()),  # noqa: SLF001 - the documentation of the same package
    )


def _sections(program: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001 - argparse tells nobody what it was given
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            told = {choice.dest: choice.help for choice in action._choices_actions}  # noqa: SLF001
            for name, inner in action.choices.items():
                yield f"## {program} {name}"
                yield prose(_sentence(inner.description or told.get(name) or ""))
                yield table(("Argument", "Meaning"), _rows(inner))


def _rows(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:  # noqa: SLF001
        if action.help != argparse.SUPPRESS and action.dest != "help" and not _is_djangos(action):
            said = (action.help or "") % vars(action)
            yield f"`{_spelled(action)}`", prose(_sentence(said))


def _is_djangos(action: argparse.Action) -> bool:
    """What every management command takes."""
    own = {
        "version",
        "verbosity",
        "settings",
        "pythonpath",
        "traceback",
        "no_color",
        "force_color",
        "skip_checks",
    }
    return action.dest in own


def _spelled(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
    return " ".join(filter(None, [", ".join(action.option_strings), value]))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
