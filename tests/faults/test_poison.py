"""Values that no encoder takes: made safe or counted, every other record arrives, nothing is raised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.guarantees import guarantee

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = int(os.environ.get("FUZZ", "150"))
"""Of each place; `make delivery` asks for 10,000."""


@guarantee(
    "poison",
    "A poisonous {place} is made safe or counted, every other record of the batch arrives, nothing is raised "
    "into the caller, every line is strict JSON",
)
@pytest.mark.parametrize("place", ["log record", "log record that interrupts", "span", "label"])
@pytest.mark.timeout(60 + EXAMPLES)
def test_poison_is_made_safe_or_counted(place: str, record_property: Callable[[str, object], None]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.poison", place, str(EXAMPLES)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-20_000:]
    facts = json.loads(done.stderr.splitlines()[-1])
    assert facts["poisoned"] >= EXAMPLES
    record_property("measured", f"{facts['examples']:,} cases")
