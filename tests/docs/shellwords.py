"""The commands of a block: what a shell would run, word by word."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

SEPARATORS = {"&&", "||", ";", "|", "&", "(", ")"}
REDIRECTIONS = {">", ">>", "<", ">&", "<<"}
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
HERE_DOCUMENT = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?")


@dataclass(frozen=True)
class Command:
    """A program with its arguments, and the variables it is given on its line."""

    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...] = ()


def typed(text: str) -> Iterator[str]:
    """What is typed after each `$ `, with the lines it goes on for."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            yield "\n".join(_whole(line[2:], lines))


def script(text: str) -> Iterator[str]:
    """The commands of a block that has no prompts."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.strip():
            yield "\n".join(_whole(line, lines))


def _whole(line: str, following: Iterator[str]) -> Iterator[str]:
    """A line, and those that follow for its backslash or its here-document."""
    yield line
    end = HERE_DOCUMENT.search(line)
    while line.endswith("\\") or (end and line != end[1]):
        line = next(following)
        yield line


def commands(text: str) -> Iterator[Command]:
    """The commands of one input, its pipes and lists taken apart; here-documents are data, not commands."""
    first = text if "<<" not in text else text.partition("\n")[0]
    lexer = shlex.shlex(first.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    for word in lexer:
        if word.startswith("#"):
            break
        if word in SEPARATORS:
            yield from _command(words)
            words = []
        else:
            words.append(word)
    yield from _command(words)


def _command(words: list[str]) -> Iterator[Command]:
    kept: list[str] = []
    variables, skip = [], False
    for word in words:
        assigned = ASSIGNMENT.fullmatch(word)
        if skip or word in REDIRECTIONS:
            skip = word in REDIRECTIONS
        elif assigned and (not kept or kept[0] == "export"):
            variables.append((assigned[1], assigned[2]))
        else:
            kept.append(word)
    if kept or variables:
        yield Command(tuple(kept), tuple(variables))
