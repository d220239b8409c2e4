"""Mails among the steps of a business action, told by spans or by log lines."""

from __future__ import annotations

import pytest

from tests.console.business import SERVER
from tests.console.correlation_page import page, steps
from tests.console.running import Console, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces


@pytest.mark.parametrize(
    ("text", "severity", "told"),
    [
        ("order confirmed by mail", 9, "sent"),
        ("E-mail to ada@example.org was sent", 9, "sent"),
        ("sending 3 emails", 9, "sent"),
        ("mail could not be sent, the task is retried", 17, "failed"),
        ("mail refused: mailbox busy", 13, "failed"),
        ("the e-mail address is not valid", 9, ""),
        ("GET /mailing-list 200", 9, ""),
        ("Email settings loaded", 9, ""),
    ],
)
def test_a_log_line_that_tells_of_a_mail_is_a_step(
    console: Console, text: str, severity: int, told: str
) -> None:
    mine = f"mail-{span_id()}"
    attrs = attributes({"correlation_id": mine})
    console.send("/v1/logs", logs("shop", log(text, severityNumber=severity, attributes=attrs)))
    shown = page(console, mine)
    assert ([row[6] for row in steps(shown)] if 'class="steps"' in shown else [""]) == [told]


def test_spans_of_mails_are_steps_and_those_of_their_tables_and_tasks_are_not(console: Console) -> None:
    mine, trace, top = f"mail-{span_id()}", trace_id(), span_id()
    own = {"correlation_id": mine}
    database, task = {**own, "db.system": "postgresql"}, {**own, "celery.task_name": "shop.send_mail"}
    made = [
        span(trace, top, "POST /send", kind=SERVER, attributes=attributes({**own})),
        span(trace, span_id(), "smtp send", top, kind=3, attributes=attributes({**own})),
        span(trace, span_id(), "SELECT mail", top, kind=3, attributes=attributes({**database})),
        span(trace, span_id(), "apply_async/shop.send_mail", top, kind=4, attributes=attributes({**task})),
    ]
    console.send("/v1/traces", traces("shop", *made))
    found = sorted(row[2] for row in steps(page(console, mine)))
    assert found == ["mail smtp send", "publish shop.send_mail", "request POST /send"]
