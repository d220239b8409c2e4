"""What is wrong with queries of Prometheus', Loki's and Kibana's: they parse, and ask for what we emit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dashboards import known
from dashboards.reading import Reader
from django_observe.vocabulary import Field
from tests.docs.blocks import Block
from tests.stack import grafanacheck

OURS = ("django_", "celery_", "observe_")
"""How series of ours begin; others may be the reader's own."""


def _queries(block: Block) -> list[str]:
    """One a paragraph; comments are left out."""
    lines = [line for line in block.text.splitlines() if not line.startswith("#")]
    return [query.strip() for query in "\n".join(lines).split("\n\n") if query.strip()]


def promql(block: Block) -> Iterator[str]:
    """Each parses; those that ask for series of ours alone ask for what there is, labels included."""
    for query in _queries(block):
        reader = Reader(known.series())
        try:
            reader.read(query)
        except ValueError as fault:
            yield f"{query}: {fault}"
        strange = {name for name in reader.asked if name not in known.series() and not name.startswith(OURS)}
        yield from () if strange else reader.faults


def logql(block: Block) -> Iterator[str]:
    """Each parses, by Grafana's own grammar."""
    yield from grafanacheck.hold({}, _queries(block)).faults


TERM = re.compile(r'(?:not )?([\w.]+) ?(?::|<=?|>=?) ?(?:"(?:[^"\\]|\\.)*"|[\w.*-]+)')
FIELDS = {f"django.{value}" for name, value in vars(Field).items() if name.isupper()}


def kql(block: Block) -> Iterator[str]:
    """Terms joined by `and` and `or`, without brackets; what is below `django` are log fields of ours."""
    for query in _queries(block):
        for part in re.split(r" (?:and|or) ", query):
            term = TERM.fullmatch(part)
            if not term:
                yield f"no term: {part}"
            elif term[1].startswith("django.") and term[1] not in FIELDS:
                yield f"no such log field: {term[1]}"
