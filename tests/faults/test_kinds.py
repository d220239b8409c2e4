"""Every kind of secret that is masked by its form, in every place: in nothing that leaves."""

from __future__ import annotations

import json
import sys

import pytest

from tests.faults.guarantees import guarantee
from tests.faults.programs import LATE, ROOT, variables
from tests.faults.receivers import receiver
from tests.processes import Process

KINDS = {
    "key=value": ("password=Zqcanary1Zq", "Zqcanary1"),
    "bearer": ("Bearer Zqcanary2Zqabc.def", "Zqcanary2"),
    "basic": ("Basic YWRhOmNhbmFyeXh4eA==", "YWRhOmNhbmFyeXh4"),
    "JWT": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl", "eyJzdWIiOiJhZGEifQ"),
    "userinfo": ("postgres://ada:Zqcanary3@db/shop", "Zqcanary3"),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\nZqcanary4\n-----END RSA PRIVATE KEY-----", "Zqcanary4"),
    "card": ("4111 1111 1111 1111", "4111 1111"),
    "access key": ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    "query and fragment": ("https://h.test/p?x=Zqcanary5#Zqcanary6", "Zqcanary"),
    "SCRUB_PATTERNS": ("cust-99887766", "99887766"),
}
"""A text, and what of it is secret."""
PLAIN = "visible"

PLACES = {
    "message": "log.info(f'said {text} then')",
    "argument": "log.info('said %s then', text)",
    "extra": "log.info('said', extra={'note': f'said {text}', 'deep': {'list': [text]}})",
    "exception": "log.error('failed', exc_info=ValueError(f'broke: {text}'))",
    "cause": "error = ValueError('x'); error.__cause__ = KeyError(text); log.error('failed', exc_info=error)",
    "exception of a span": "span.record_exception(ValueError(f'broke: {text}'))",
    "attribute": "span.set_attribute('note', f'said {text}')",
    "event": "span.add_event(f'said {text}', {'note': f'said {text}'})",
    "name and status": "span.update_name(f'n {text}'); span.set_status(Status(StatusCode.ERROR, text))",
    "statement": "span.set_attribute('db.statement', f\"select '{text}'\")",
}
SCRIPT = """
import logging, sys
import django
django.setup()
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode
log = logging.getLogger("faults")
for text in {texts!r}:
    with trace.get_tracer("faults").start_as_current_span("place") as span:
        span.set_attribute("told", "control")
        log.info("control")
        {place}
"""


@guarantee("privacy", f"{len(KINDS)} kinds of secrets by their form, on stdout and by OTLP: {{place}}")
@pytest.mark.parametrize("place", PLACES)
def test_no_kind_of_secret_leaves(place: str) -> None:
    script = SCRIPT.format(texts=[PLAIN, *(text for text, _ in KINDS.values())], place=PLACES[place])
    settings = {"FAULTS_SETTINGS": json.dumps({"LOG_FORMAT": "json", "SCRUB_PATTERNS": [r"cust-(\d+)"]})}
    with receiver("ok") as collector:
        more = {**LATE, **settings, "PYTHONPATH": str(ROOT)}
        with Process([sys.executable, "-c", script], cwd=ROOT, env=variables(collector, **more)) as process:
            assert process.popen.wait(30) == 0, process.stderr
            printed = process.stdout.encode()
        exported = b"".join(body for _, _, body in collector.requests)
        assert len(collector.spans()) == 1 + len(KINDS)
    assert printed.count(b'"control"') == 1 + len(KINDS)
    assert exported.count(b"control") == 2 * (1 + len(KINDS))
    assert (b"select" if place == "statement" else PLAIN.encode()) in exported
    leaks = [kind for kind, (_, secret) in KINDS.items() if secret.encode() in printed + exported]
    assert leaks == []
