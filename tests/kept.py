"""Exports in rounds, and tells after each what memory is in use: `python -m tests.kept`.

In use is what was allocated and not freed, to the byte; resident memory is what the allocators hold. The
environment names the settings and the receiver. GLIBC_TUNABLES is to turn malloc's caches of each thread off:
what lies in these counts as in use.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import sys

ROUNDS, RECORDS, AT_ONCE = 5, 1_000, 100
"""Spans and as many log records of each round, and how many are in each request."""

NAMES = 200
_FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks")


class _MallInfo(ctypes.Structure):
    """What mallinfo2(3) returns."""

    _fields_ = [(name, ctypes.c_size_t) for name in (*_FIELDS, "keepcost")]


def in_use() -> tuple[int, int]:
    """Bytes of the C library's malloc, and blocks of Python's.

    Raises:
        AttributeError: where the C library is not glibc 2.33 or later.
    """
    gc.collect()
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = _MallInfo
    found = library.mallinfo2()
    return found.uordblks + found.hblkhd, sys.getallocatedblocks()


def main() -> None:
    """One JSON list [bytes, blocks] for each round."""
    import django

    django.setup()
    from opentelemetry import trace

    from django_observe import export

    tracer, logger = trace.get_tracer("kept"), logging.getLogger("kept")
    for start in range(0, ROUNDS * RECORDS, RECORDS):
        for number in range(start, start + RECORDS):
            name = f"name {number % NAMES:03}"
            with tracer.start_as_current_span(name, attributes={name: f"value {number:06}", "n": [number]}):
                logger.warning("record %06d", number, extra={"field": {"number": number}})
            if number % AT_ONCE == AT_ONCE - 1:
                export.flush(20)
        sys.stdout.write(json.dumps(["kept", *in_use()]) + "\n")


if __name__ == "__main__":
    main()
