"""Programs are asked themselves whether they take the arguments that a page gives them."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import click
from django.core.management import CommandError, get_commands, load_command_class
from packaging.requirements import InvalidRequirement, Requirement

from tests.docs.blocks import ROOT

MANAGEMENT = (
    *("django.contrib.staticfiles", "django.contrib.sessions", "channels", "daphne"),
    *("django_tasks_db", "django_prometheus", "django_guid", "django_structlog"),
)
"""Apps of a reader's project whose management commands a page may call."""


def refused(parse: Callable[[Sequence[str]], Any], arguments: Sequence[str]) -> Iterator[str]:
    """What a parser of argparse's kind writes when it gives up."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parse(arguments)
    except SystemExit as end:
        if end.code:
            yield said.getvalue().strip().splitlines()[-1]
    except (CommandError, argparse.ArgumentTypeError) as fault:
        yield str(fault)


def management(arguments: list[str]) -> Iterator[str]:
    """`manage.py` and `django-admin`."""
    name = arguments[0]
    owners = [str(get_commands().get(name, "")), *MANAGEMENT]
    for owner in owners:
        if owner and _has_module(f"{owner}.management.commands.{name}"):
            parser = load_command_class(owner, name).create_parser("manage.py", name)
            yield from refused(parser.parse_args, arguments[1:])
            return
    yield f"no management command {name}"


def _has_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def django_observe(arguments: list[str]) -> Iterator[str]:
    """Our own script."""
    from django_observe import cli

    yield from refused(cli._parser().parse_args, arguments)


def gunicorn(arguments: list[str]) -> Iterator[str]:
    """Options, the module of `-c python:` included."""
    from gunicorn.config import Config

    yield from refused(Config().parser().parse_args, arguments)
    for word in arguments:
        if word.startswith("python:") and not _has_module(word.removeprefix("python:")):
            yield f"no module {word}"


def daphne(arguments: list[str]) -> Iterator[str]:
    """Its own parser."""
    from daphne.cli import CommandLineInterface

    yield from refused(CommandLineInterface().parser.parse_args, arguments)


def hypercorn(arguments: list[str]) -> Iterator[str]:
    """It keeps its parser to itself, so the options are read from its help."""
    from hypercorn.__main__ import main

    yield from _not_in_help(main, arguments)


def waitress(arguments: list[str]) -> Iterator[str]:
    """Its options are those of its adjustments."""
    from waitress.adjustments import Adjustments  # type: ignore[import-untyped]

    try:
        Adjustments.parse_args(arguments)
    except ValueError as fault:
        yield str(fault)


def _not_in_help(main: Callable[[list[str]], Any], arguments: Sequence[str]) -> Iterator[str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main(["--help"])
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", said.getvalue()))
    yield from (
        f"no option {word}" for word in arguments if word[0] == "-" and word.split("=")[0] not in known
    )


def click_program(module: str, name: str, arguments: list[str]) -> Iterator[str]:
    """The options of a program made with click, and those of its subcommand."""
    command = getattr(importlib.import_module(module), name)
    yield from _click(command, arguments)


def celery(arguments: list[str]) -> Iterator[str]:
    """The group's own options, then those of worker, beat, inspect."""
    from celery.bin.celery import celery as group

    yield from _click(group, arguments)


def _click(command: click.Command, arguments: list[str]) -> Iterator[str]:
    context = click.Context(command)
    try:
        _, rest, _ = command.make_parser(context).parse_args(list(arguments))
    except click.UsageError as fault:
        yield fault.format_message()
        return
    if isinstance(command, click.Group) and rest:
        inner = command.get_command(context, rest[0])
        if inner is None:
            yield f"no command {rest[0]}"
        else:
            yield from _click(inner, rest[1:])


def pip(arguments: list[str]) -> Iterator[str]:
    """Requirements are well formed, and our own name has the extras that are asked for."""
    if arguments[0] not in {"install", "uninstall", "list", "show"}:
        yield f"pip has no {arguments[0]}"
    for word in arguments[1:]:
        path = re.fullmatch(r"(?:/|\.|[A-Za-z_.]+/)[^\[]*(?:\[([\w,]+)\])?", word)
        if word[0] == "-" or word.endswith((".txt", ".whl")):
            continue
        try:
            wanted = set(path[1].split(",") if path[1] else ()) if path else Requirement(word).extras
        except InvalidRequirement as fault:
            yield f"{word}: {fault}"
            continue
        if path or word.startswith("django-observe"):
            yield from (f"no extra {extra}" for extra in sorted(wanted - _extras()))


def _extras() -> set[str]:
    """Those of pyproject.toml."""
    section = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
    return set(re.findall(r"^(\w+) = \[", section.partition("\n[")[0], re.MULTILINE))


FLAGS = ("-s", "-S", "-i", "-I", "-f", "-L", "-v", "-k", "-G", "--silent", "--fail", "--include", "--head")
VALUES = (
    "-H",
    "-X",
    "-d",
    "-o",
    "-u",
    "-w",
    "-m",
    "--data-urlencode",
    "--header",
    "--request",
    "--data",
    "--output",
)


def curl(arguments: list[str]) -> Iterator[str]:
    """The options that pages use; curl itself cannot be asked without a request."""
    parser = argparse.ArgumentParser(prog="curl")
    for flag in FLAGS:
        parser.add_argument(flag, action="store_true")
    for option in VALUES:
        parser.add_argument(option, action="append")
    parser.add_argument("url", nargs="+")
    yield from refused(parser.parse_args, arguments)
