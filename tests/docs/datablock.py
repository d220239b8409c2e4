"""What is wrong with a block of data: JSON, YAML, TOML, INI; in YAML, rules and scrape configurations."""

from __future__ import annotations

import configparser
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from tests.docs.blocks import Block

tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
"""pytest brings tomli where Python has none yet."""


def json_values(block: Block) -> Iterator[str]:
    """One value, or one a line."""
    try:
        json.loads(block.text)
    except ValueError as fault:
        try:
            [json.loads(line) for line in block.text.splitlines() if line.strip()]
        except ValueError:
            yield str(fault)


def toml(block: Block) -> Iterator[str]:
    """It parses."""
    try:
        tomllib.loads(block.text)
    except ValueError as fault:
        yield str(fault)


def ini(block: Block) -> Iterator[str]:
    """With sections, as systemd's and uWSGI's, or as a file of variables without."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    text = (
        block.text
        if block.text.lstrip("#; \n").startswith("[") or "\n[" in block.text
        else f"[_]\n{block.text}"
    )
    try:
        parser.read_string(text)
    except configparser.Error as fault:
        yield str(fault)


def yaml_documents(block: Block) -> Iterator[str]:
    """It parses, its PromQL too; a whole file of Prometheus' is read by promtool."""
    try:
        documents = list(yaml.safe_load_all(block.text))
    except yaml.YAMLError as fault:
        yield str(fault)
        return
    for document in documents:
        for expression in _expressions(document):
            yield from _unparsed(expression)
        if isinstance(document, dict) and "groups" in document:
            yield from _promtool(block.text, "check", "rules")
        elif isinstance(document, dict) and "scrape_configs" in document:
            yield from _promtool(block.text, "check", "config", "--syntax-only")


def _unparsed(expression: str) -> Iterator[str]:
    try:
        promql_parser.parse(expression)
    except ValueError as fault:
        yield f"{expression}: {fault}"


def _expressions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("expr"), str):
            yield value["expr"]
        for inner in value.values():
            yield from _expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _expressions(inner)


def _promtool(text: str, *command: str) -> Iterator[str]:
    """Where it is installed; the expressions have been parsed all the same."""
    program = shutil.which("promtool")
    if program is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder, "block.yml")).write_text(text)
        done = subprocess.run([program, *command, path], capture_output=True, text=True, check=False)
    if done.returncode:
        yield (done.stdout + done.stderr).strip()
