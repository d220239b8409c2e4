"""What comes in for an ID and is none."""

from __future__ import annotations

import pytest

from tests.conformance.incoming import COLUMNS, Part, expect_echo, expect_new_id, expect_untold, sent
from tests.conformance.malformed import KINDS
from tests.conformance.rows import Row, row
from tests.conformance.services import Servers

REFUSED = {
    "gunicorn gthread": {
        "1 MB",
        "CRLF and a folded line",
        "NUL",
        "backspace",
        "bare CR and a header",
        "bare LF and a header",
        "delete",
        "escape",
    },
    "uvicorn": {"1 MB", "NUL", "bare CR and a header"},
}
"""What a server answers with 400 by itself: no request of Django's, so no ID and no span."""


@pytest.fixture(params=COLUMNS)
def name(request: pytest.FixtureRequest) -> str:
    """The column."""
    return str(request.param)


@row("in", "malformed: {kind} ({number} values)", column="name")
@pytest.mark.parametrize(("kind", "number"), [(kind, len(cases)) for kind, cases in KINDS.items()])
def test_malformed(row: Row, servers: Servers, name: str, kind: str, number: int) -> None:
    """The trace goes on, under an ID that is the trace's; the value is told nowhere.

    What the server refuses is not in the way of a later request.
    """
    server = servers[name]
    parts = sent(row, server, KINDS[kind])
    assert len(parts) == number
    taken = [part for part in parts if part.answer is not None and part.answer.status == 200]
    for part in taken:
        seen = server.witness(part, "view")
        expect_new_id(part, seen, part.trace_id)
        part.expect_trace(seen)
        part.expect_clean(server)
        if part.answer is not None:
            expect_echo(part, part.answer, part.trace_id)
    expect_untold(row, server, parts)
    later = Part(row.spans, aspects=row.aspects, case="a later request")
    server.get("/in/", later)
    later.expect(server.witness(later, "view"), server)
    with row.aspect("also"):
        refused = {part.case for part in parts if part not in taken}
        assert refused == REFUSED[name] & {part.case for part in parts}
