"""One side's program: does the work of its rows and writes what spans came of it, as JSON, to a file.

`SIDE=ours python -m tests.differential.program web spans.json`
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import Context
from dataclasses import asdict
from pathlib import Path

from tests.differential import celery, options, sides, table
from tests.differential.rows import Row
from tests.differential.spans import Seen


def main(name: str, target: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.differential.settings"
    if name == "worker":
        os.environ.update(options.VARIABLES)
    found: dict[str, dict[str, list[object]]] = {}
    with sides.started(os.environ["SIDE"]) as layers, celery.worker() if name == "worker" else nullcontext():
        for layer, take in layers:
            found[layer] = {str(row): told(row, take) for row in table.PROGRAMS[name]}
    target.write_text(json.dumps(found))


def told(row: Row, take: Callable[[], list[Seen]]) -> list[object]:
    """The spans of one row, which begins in a context of its own."""
    Context().run(row.work)
    return [asdict(each) for each in take()]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # a broker in memory has threads that no exit waits for gladly
