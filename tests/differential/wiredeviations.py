"""Deviations of what leaves the process: it tells no values."""

from __future__ import annotations

import re

from tests.differential.deviation import listed_at_the_wire
from tests.differential.spans import Seen


@listed_at_the_wire
def statement_without_values(row: str, spans: list[Seen]) -> None:
    """`db.query.text` leaves the process without comments and values."""
    for span in spans:
        if text := span.attributes.get("db.query.text"):
            text = re.sub(r"/\*.*?\*/|--[^\n]*\n", " ", text)
            text = re.sub(r"'[^']*'|\b\d+\b", "?", text)
            text = re.sub(r"(\?|%s)(, (\?|%s))+", r"\1", text)
            text = re.sub(r"(\(%s\))(, \(%s\))+", r"\1", text)
            span.attributes["db.query.text"] = re.sub(r"\s+", " ", text).strip()


@listed_at_the_wire
def failure_without_values(row: str, spans: list[Seen]) -> None:
    """So do the errors that a database reports: what they quote of a statement or a row is masked."""
    quoted = re.compile(r'(?<=LINE 1: ).*|(?<=\)=\().*?(?=\) already)|(?<=near ").*?(?=": syntax)')
    for span in spans:
        if "db.system.name" in span.attributes:
            span.status = (span.status[0], quoted.sub("[redacted]", span.status[1]))
            for _, attributes in span.events:
                attributes |= {name: quoted.sub("[redacted]", told) for name, told in attributes.items()}


@listed_at_the_wire
def url_without_values(row: str, spans: list[Seen]) -> None:
    """`url.full` leaves without the values of its query and without what stands before an `@`."""
    for span in spans:
        if url := span.attributes.get("url.full"):
            url = re.sub(r"//[^/]*@", "//[redacted]@", url)
            span.attributes["url.full"] = re.sub(r"=[^&]+", "=[redacted]", url)


@listed_at_the_wire
def captured_secrets(row: str, spans: list[Seen]) -> None:
    """A captured header that is a secret is masked, whatever OTEL_..._SANITIZE_FIELDS names."""
    for span in spans:
        if "http.request.header.authorization" in span.attributes:
            span.attributes["http.request.header.authorization"] = "[redacted]"
