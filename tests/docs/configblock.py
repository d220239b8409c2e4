"""What is wrong with a template or with the configuration of another program."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.template import Engine, TemplateSyntaxError
from django.template.backends.django import get_installed_libraries

from tests.docs.blocks import Block

PAIRS = {")": "(", "]": "[", "}": "{"}
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#[^\n]*')


def template(block: Block) -> Iterator[str]:
    """It compiles, with the tags of the apps that are installed."""
    engine = Engine(
        libraries=get_installed_libraries(), loaders=[("django.template.loaders.locmem.Loader", {})]
    )
    try:
        engine.from_string(block.text)
    except TemplateSyntaxError as fault:
        yield str(fault)


def hcl(block: Block) -> Iterator[str]:
    """Brackets pair."""
    yield from _unpaired(QUOTED.sub("", block.text))


def logstash(block: Block) -> Iterator[str]:
    """Brackets pair; at the top are the three sections, in them plugins, in those `name => value`."""
    text = QUOTED.sub(lambda match: "" if match[0].startswith("#") else "'quoted'", block.text)
    yield from _unpaired(text)
    depth = 0
    for before, sign in re.findall(r"([^{}]*)([{}]|$)", text):
        word = before.strip()
        if sign == "{" and depth == 0 and word not in {"input", "filter", "output"}:
            yield f"no section of a pipeline: {word}"
        elif sign == "}" and depth > 1:
            yield from (f"no setting: {line.strip()}" for line in word.splitlines() if "=>" not in line)
        depth += {"{": 1, "}": -1}.get(sign, 0)


def nginx(block: Block) -> Iterator[str]:
    """Brackets pair, and each directive ends with a semicolon or a block."""
    text = QUOTED.sub(lambda match: "" if match[0].startswith("#") else "'quoted'", block.text)
    yield from _unpaired(text)
    for directive, end in re.findall(r"([^;{}]*)([;{}]|$)", text):
        if (directive.strip() and end in {"}", ""}) or re.search(r"\S *\n *[a-z_]+ ", directive):
            yield f"no semicolon behind {' '.join(directive.split())}"


def _unpaired(text: str) -> Iterator[str]:
    open_ones: list[str] = []
    for sign in re.findall(r"[()\[\]{}]", text):
        if sign in PAIRS.values():
            open_ones.append(sign)
        elif not open_ones or open_ones.pop() != PAIRS[sign]:
            yield f"{sign} closes nothing"
    yield from (f"{sign} is not closed" for sign in open_ones)


def dockerfile(block: Block) -> Iterator[str]:
    """Hadolint, a development dependency, reads it and finds no error."""
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [program, "--failure-threshold", "error", "-"],
        input=block.text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        yield done.stdout + done.stderr
