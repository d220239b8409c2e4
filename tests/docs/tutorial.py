"""Follows docs/tutorial/first-trace.md to the letter: `python -m tests.docs.tutorial` (`make tutorial`).

The page is its own script. A `console` block is typed, line by line, into the terminal that the prose above
it names ("a second terminal"), else into the one before. The lines shown below a command must be printed, in
that order; numbers, times and bars may differ, and the ID that the page shows stands for the one that is
printed. A command that serves goes on; another that fails is tried again for ten seconds, as the page says.
A `python` block names its file in its first line.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import final

from tests.docs import shellwords
from tests.docs.blocks import ROOT, Block, of_page
from tests.docs.terminal import POLL_SECONDS, Terminal, TutorialError

PAGE = ROOT / "docs/tutorial/first-trace.md"
SERVES = ("django-observe console", "python manage.py runserver")
AGAIN_SECONDS, INSTALL_SECONDS = 10.0, 600.0
IDENTIFIER = re.compile(r"\b[0-9a-f]{32}\b")
CLONE = "/path/to/the/clone"


@final
class Reader:
    """Someone who begins in an empty directory. `instead` is what they type in place of the page's words."""

    def __init__(self, folder: Path, instead: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self.folder, self._instead, self._variables = folder, dict(instead), variables
        self._terminals: dict[str, Terminal] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    @property
    def identifier(self) -> str:
        """The ID of the first trace, in place of the page's."""
        return next(here for shown, here in self._instead.items() if IDENTIFIER.fullmatch(shown))

    def follow(self) -> Iterator[str]:
        """Tells each step before it is taken. TutorialError where the page and the programs part."""
        name, above, text = "first", 0, PAGE.read_text().splitlines()
        for block in of_page(PAGE):
            prose = " ".join(text[above : block.line])
            name = (re.findall(r"(?:a|the) (\w+) terminal", prose) or [name])[-1]
            above = block.line + len(block.text.splitlines())
            if block.language == "python":
                yield self._write(block)
            elif block.language == "console":
                yield from self._type(self._terminal(name), block)

    def _terminal(self, name: str) -> Terminal:
        if name not in self._terminals:
            printed = Path(self._stack.enter_context(tempfile.TemporaryDirectory()), name)
            terminal = Terminal(self.folder, self._variables, printed)
            self._terminals[name] = self._stack.enter_context(terminal)
        return self._terminals[name]

    def _write(self, block: Block) -> str:
        """`# path` is a whole file, `# path, at the end` is added to it."""
        path, _, end = block.text.partition("\n")[0].removeprefix("# ").partition(", ")
        with (self.folder / path).open("a" if end == "at the end" else "w") as file:
            file.write(f"\n{self._here(block.text)}")
        return f"edit {path}"

    def _type(self, terminal: Terminal, block: Block) -> Iterator[str]:
        for command, shown in _conversation(block.text):
            yield command
            if command.startswith(SERVES):
                self._serve(terminal, command, shown)
            else:
                self._run(terminal, command, shown)
            if command.startswith("cd "):
                self.folder = self.folder / command.removeprefix("cd ")

    def _serve(self, terminal: Terminal, command: str, shown: list[str]) -> None:
        begins, deadline = terminal.start(self._here(command)), time.monotonic() + 3 * AGAIN_SECONDS
        while missing := _missing(shown, terminal.printed()[begins:]):
            if time.monotonic() > deadline:
                raise TutorialError(f"{command}: never printed {missing!r}\n{terminal.printed()[begins:]}")
            time.sleep(POLL_SECONDS)

    def _run(self, terminal: Terminal, command: str, shown: list[str]) -> None:
        deadline = time.monotonic() + AGAIN_SECONDS
        while not (
            printed := self._printed(terminal, command, shown, last=not shown or time.monotonic() > deadline)
        ):
            time.sleep(10 * POLL_SECONDS)
        for id_shown, id_printed in zip(
            IDENTIFIER.findall("\n".join(shown)), IDENTIFIER.findall(printed), strict=False
        ):
            self._instead[id_shown] = id_printed

    def _printed(self, terminal: Terminal, command: str, shown: list[str], *, last: bool) -> str:
        """What it printed, with a line to begin; nothing where it may be tried again."""
        try:
            printed = terminal.run(self._here(command), INSTALL_SECONDS)
        except TutorialError:
            if last:
                raise
            return ""
        missing = _missing(shown, printed)
        if missing and last:
            raise TutorialError(f"{command}: did not print {missing!r}\n{printed}")
        return "" if missing else f"\n{printed}"

    def _here(self, text: str) -> str:
        for shown, here in self._instead.items():
            text = text.replace(shown, here)
        return text


def _conversation(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command, without its remark, with the lines shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        [command] = shellwords.typed(f"$ {part}")
        yield re.sub(r"\s+# .*", "", command), part.removeprefix(command).strip().splitlines()


def _missing(shown: list[str], printed: str) -> str:
    """The first line that was not printed behind those before it."""
    lines = iter([_plain(line) for line in printed.splitlines()])
    return next(
        (line for line in shown if line != "..." and not any(_plain(line) in each for each in lines)), ""
    )


def _plain(line: str) -> str:
    """Without what differs from run to run."""
    line = IDENTIFIER.sub("<id>", line)
    line = re.sub(r"[\d:.,-]*\d(?: ?(?:ms|µs|s)\b)?", "#", line)
    return re.sub(r"[█▉▊▋▌▍▎▏▐•\s]+", " ", line).strip()


def main() -> int:
    """From nothing but Python and the clone, in a directory that is gone afterwards; prints the times."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tutorial-") as folder:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PIP_INDEX_URL") if name in os.environ}
        variables = {**kept, "HOME": folder, "TERM": "dumb"}
        with Reader(Path(folder), {CLONE: str(ROOT)}, variables) as reader:
            for step in reader.follow():
                print(f"{time.monotonic() - began:6.1f} s  {step}", flush=True)  # noqa: T201
            print(f"{time.monotonic() - began:6.1f} s  done: the log line is in its trace")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
