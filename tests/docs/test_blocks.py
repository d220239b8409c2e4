r"""Every block of the README and of docs/ is checked.

What is accepted, by the word behind the fence:

- `python`: parses; imports exist (the reader's modules are `shop`, `orders`, `auth` and `.x`); what is
  taken from an imported module exists; of django_observe only public names, called as their signatures
  say. A block of settings (CAPITALS at the top, no def) is run: DJANGO_OBSERVE is parsed; INSTALLED_APPS,
  MIDDLEWARE and classes in LOGGING are imported. A block with `# printed: ...` is a whole program: it is
  run and prints that, in order.
- `console`: a line `$ ...` is a command (`\` and here-documents go on), other lines are what it prints.
  `shell`: all are commands. Programs are asked for their own options: see PROGRAMS in consoleblock.py, and
  add what is missing. `python manage.py`: any command of Django, ours, or an app in MANAGEMENT of options.py.
  Make's targets, files below `stack/` and such, and variables (OTEL_*, OBSERVE_*, DJANGO_OBSERVE*) exist.
- `json` (one value, or one a line), `yaml`, `toml`, `ini` (`KEY=value` without a section too) parse; in YAML
  `expr` is PromQL; rules (`groups:`) and scrape configurations (`scrape_configs:`) are read by promtool.
- `promql`, `logql`: one query a paragraph, parsed; series and labels of ours exist, your own are free.
- `kql` (Kibana's): terms joined by `and` and `or`; fields below `django` are ours.
- `html+django` compiles. `nginx`, `hcl`, `logstash`: brackets pair; nginx's directives end, Logstash's
  settings have values. `dockerfile`: by hadolint.
- `text`: output and figures, the one kind nobody reads. Anything else, and a block without a word, as one
  that is indented, fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import blocks, configblock, consoleblock, datablock, pythonblock, queryblock
from tests.docs.blocks import ROOT, Block

CHECKERS = {
    "console": consoleblock.faults,
    "dockerfile": configblock.dockerfile,
    "hcl": configblock.hcl,
    "html+django": configblock.template,
    "ini": datablock.ini,
    "json": datablock.json_values,
    "kql": queryblock.kql,
    "logql": queryblock.logql,
    "logstash": configblock.logstash,
    "nginx": configblock.nginx,
    "promql": queryblock.promql,
    "python": pythonblock.faults,
    "shell": consoleblock.faults,
    "text": lambda _: [],
    "toml": datablock.toml,
    "yaml": datablock.yaml_documents,
}


@pytest.mark.parametrize("block", blocks.ALL, ids=str)
def test_a_block_is_what_it_says(block: Block) -> None:
    assert block.language in CHECKERS, f"no checker knows {block.language!r}: see the top of this file"
    assert list(CHECKERS[block.language](block)) == []


PROGRAMS = [block for block in blocks.ALL if block.language == "python" and "# printed: " in block.text]


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_program_prints_what_it_says(block: Block, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(f"import django; django.setup()\n{block.text}")
    ran = subprocess.run(
        [sys.executable, program],
        env={"PATH": "", "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == re.findall(r"# printed: (.*)$", block.text, re.MULTILINE)


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 3
