"""What scrubbing costs: microseconds for texts of typical kinds, beside the encoding of their line as JSON.

`make bench-scrubbing`. Both are measured by turns in one run, in the thread's own time, so that their ratio
can be compared with that of another run and another machine; the microseconds cannot. Each text is scrubbed
as one that was never seen: short ones that were seen take 0.3 microseconds.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from time import thread_time
from typing import NamedTuple

from tests.tables import ROOT, grid

PAGE = ROOT / "docs/explanation/privacy.md"
SECONDS = 0.002
"""Of one measurement, about."""

_FRAME = '  File "/app/shop/orders/views.py", line {}, in post\n    return self.respond(order, key=key)\n'
_ITEM = {"sku": "AB-12", "count": 3, "price": "12.50", "note": "as a present, please", "paid": True}

KINDS: dict[str, str] = {
    "a word": "shipped",
    "a sentence": "payment accepted for the third time",
    "a sentence with numbers": "Order 17 saved in 12 ms",
    "a correlation ID": "4bf92f3577b34da6a3ce929d0e0e4736",
    "a path": "Not Found: /orders/9/",
    "names and values": "stock reserved sku=AB-12 count=3 warehouse=north took=12ms",
    "a password": "login failed user=ada password=hunter2",
    "a URL": "GET https://auth.internal/users/7/?expand=roles answered 200",
    "a statement": 'SELECT "a"."id", "a"."state" FROM "orders" AS "a" WHERE "a"."id" = %s LIMIT 21',
    "JSON of 0.5 KB": json.dumps([_ITEM] * 6),
    "a stack of 20 frames": "Traceback:\n"
    + "".join(map(_FRAME.format, range(20)))
    + "ValueError: no such order",
    "JSON of 16 KB": json.dumps([_ITEM] * 170),
}


class Cost(NamedTuple):
    """Microseconds of one text, and of encoding its line with the standard library's encoder."""

    kind: str
    scrubbing: float
    encoding: float

    @property
    def ratio(self) -> float:
        """What scrubbing takes of what encoding takes."""
        return self.scrubbing / self.encoding


def measured(kind: str, rounds: int) -> Cost:
    """The shortest of `rounds` measurements of each, by turns: what else the machine does only adds."""
    from django_observe.redaction import forget, scrub_text

    text = KINDS[kind]
    line = _line(text)

    def scrub() -> None:
        forget()
        scrub_text(text)

    times: list[tuple[float, float]] = [
        (_microseconds(scrub), _microseconds(lambda: json.dumps(line))) for _ in range(rounds)
    ]
    scrubbing, encoding = (min(each) for each in zip(*times, strict=True))
    return Cost(kind, scrubbing, encoding)


def table(costs: list[Cost]) -> str:
    """In Markdown, with when and where it was measured."""
    rows = [
        (each.kind, str(len(KINDS[each.kind])), f"{each.scrubbing:.2f}", f"{each.ratio:.2f}")
        for each in costs
    ]
    when = datetime.now(timezone.utc).date()
    where = f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    head = ("Text", "Characters", "Scrubbing, µs", "of encoding its line as JSON")
    return f"{when}, {where}.\n\n{grid(head, rows)}"


def _line(text: str) -> dict[str, object]:
    from django_observe.json import document  # needs Django to be set up

    return document(logging.LogRecord("shop.orders", logging.INFO, "", 0, text, (), None))


def _microseconds(run: Callable[[], object]) -> float:
    """Of one run, from as many as take SECONDS."""
    runs, spent = 1, 0.0
    while True:
        start = thread_time()
        for _ in range(runs):
            run()
        spent = thread_time() - start
        if spent >= SECONDS:
            return spent / runs * 1e6
        runs = max(runs * 2, int(runs * SECONDS / spent) if spent else 0)


def main() -> None:
    """Measures and prints; with --write the page has it."""
    import django

    from tests.faults.page import with_block

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    told = table([measured(kind, given.rounds) for kind in KINDS])
    sys.stdout.write(f"{told}\n")
    if given.write:
        PAGE.write_text(with_block(PAGE.read_text(), "cost", told))


if __name__ == "__main__":
    main()
