"""What counts that which happens most often in one call, its lock included: see `reporting.shortcuts`.

Values of one process grow in place; those that several share have their own way of growing: see `adders`.
"""

# ruff: noqa: SLF001 - as in adders and collectors

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from time import time
from typing import Any, TypeAlias

from django_observe.adders import Add, are_owned
from django_observe.collectors import Timer, adder
from django_observe.counting import lock
from django_observe.tracecontext import TraceContext

CountStatement: TypeAlias = Callable[[float, "TraceContext | None", int], None]
CountLookup: TypeAlias = Callable[[int, int], None]


def change_counter(rows: Any) -> Add:
    """What counts rows."""
    value = rows._value
    if not are_owned([value]):
        return _locked(adder(rows))

    def count(changed: float) -> None:
        with lock:
            value._value += changed

    return count


def lookup_counter(gets: Any, hits: Any, misses: Any) -> CountLookup:
    """What counts the keys of a lookup that did not fail, and those of them that were found."""
    asked, found, absent = values = [child._value for child in (gets, hits, misses)]
    if not are_owned(values):
        return _locked_lookup(*map(adder, (gets, hits, misses)))

    def count(keys: int, hits: int) -> None:
        with lock:
            asked._value += keys
            if hits:
                found._value += hits
            if keys > hits:
                absent._value += keys - hits

    return count


def statement_counter(statements: Any, durations: Any) -> CountStatement:
    """What counts a statement, which may have run for several rows, and times it with an exemplar."""
    timer, add = Timer(durations), adder(statements)
    executed, total, buckets = statements._value, durations._sum, tuple(durations._buckets)
    bounds = tuple(durations._upper_bounds)
    if not are_owned([executed, total, *buckets]):
        return _locked_statement(add, timer)

    def count(seconds: float, trace: TraceContext | None, rows: int) -> None:
        with lock:
            executed._value += rows
            total._value += seconds
            bucket = bisect_left(bounds, seconds)
            buckets[bucket]._value += 1
            if trace is not None and trace.sampled:
                timer.offer(bucket, seconds, trace, time())

    return count


def _locked(add: Add) -> Add:
    def count(amount: float) -> None:
        with lock:
            add(amount)

    return count


def _locked_lookup(gets: Add, hits: Add, misses: Add) -> CountLookup:
    def count(keys: int, found: int) -> None:
        with lock:
            gets(keys)
            if found:
                hits(found)
            if keys > found:
                misses(keys - found)

    return count


def _locked_statement(add: Add, timer: Timer) -> CountStatement:
    def count(seconds: float, trace: TraceContext | None, rows: int) -> None:
        with lock:
            add(rows)
            timer.time(seconds, trace, time())

    return count
