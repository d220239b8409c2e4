"""A corpus of hostile text in every field of spans and log lines, on every page: it stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import quote, urlencode

import pytest

from tests.console import payloads
from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs, span, traces

SERVICE = 'svc <script>alert(1)</script>"><img src=x onerror=alert(1)>\u202e'
FORBIDDEN = {
    "img",
    "iframe",
    "object",
    "embed",
    "style",
    "base",
    "math",
    "template",
    "animate",
    "set",
}

READ = {"title", "alt", "aria-label", "aria-description", "placeholder", "label"}


class Tags(HTMLParser):
    """Every tag with its attributes, and in `read` the text that is seen or read out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.read = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.read += "".join(value or "" for name, value in attrs if name in READ)

    def handle_data(self, data: str) -> None:
        self.read += data


class Story(NamedTuple):
    """A console that holds the corpus; `spans` are those that carry it, in the order of the corpus."""

    console: Console
    trace: str
    spans: list[str]


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with running() as console:
        told = Story(console, trace_id(), [])
        for number, payload in enumerate(payloads.ALL):
            tell(told, payload, "" if number == 0 else told.spans[0], 3 if number % 2 else 2)
        yield told


def tell(story: Story, payload: str, parent: str, kind: int) -> None:
    """One span and one log line with `payload` wherever text may stand."""
    names: tuple[str, ...] = (
        "correlation_id",
        "url.full",
        "http.route",
        "db.query.text",
        "db.system.name",
        "server.address",
    )
    names += ("stack", "exception.stacktrace", "exception.type", "messaging.destination.name", payload)
    hostile = attributes(dict.fromkeys(names, payload))
    fields = {
        "kind": kind,
        "attributes": hostile,
        "events": [{"name": payload, "timeUnixNano": "1", "attributes": hostile}],
        "links": [{"traceId": trace_id(), "spanId": span_id(), "attributes": hostile}],
        "status": {"code": 2, "message": payload},
    }
    own = span_id()
    story.spans.append(own)
    story.console.send("/v1/traces", traces(SERVICE, span(story.trace, own, payload, parent, **fields)))
    line = log(payload, traceId=story.trace, spanId=own, severityText=payload, attributes=hostile)
    story.console.send("/v1/logs", logs(SERVICE, line))


@pytest.mark.parametrize(
    "path",
    [
        "/services", "/services/{service}", "/map", "/traces", "/logs", "/settings", "/trace/{trace}",
        "/trace/{trace}?tab=logs", "/trace/{trace}?tab=sql", "/trace/{trace}?tab=json",
        "/logs?trace_id={trace}", "/services?range=5m", "/traces?service={service}",
        "/nothing/{service}", "/map?service={service}",
    ],
)  # fmt: skip
def test_the_corpus_stays_text_on_every_page(story: Story, path: str) -> None:
    answer = story.console.get(path.format(service=quote(SERVICE, safe=""), trace=story.trace))
    assert answer.status in (200, 404)
    assert_harmless(answer.text)


def test_the_corpus_stays_text_in_every_detail(story: Story) -> None:
    shown = ""
    for one in story.spans[::5]:
        text = story.console.get(f"/trace/{story.trace}?span={one}").text
        assert_harmless(text)
        shown += text
    assert "&lt;script&gt;alert(1)" in shown


@pytest.mark.parametrize("path", ["/c/{}", "/services/{}", "/trace/{}", "/{}"])
def test_the_corpus_stays_text_in_addresses(story: Story, path: str) -> None:
    for payload in payloads.ALL:
        sent = quote(payload.encode("utf-8", "replace"), safe="")
        answer = story.console.get(path.format(sent))
        assert answer.status in (200, 400, 404), payload
        assert_harmless(answer.text)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("/traces", "q service correlation_id where status range from before sort"),
        ("/logs", "q service correlation_id level trace_id logger before"),
        ("/trace/{trace}", "q span tab"),
        ("/services", "range"),
        ("/map", "service range"),
    ],
)
def test_the_corpus_stays_text_in_queries(story: Story, page: str, names: str) -> None:
    for name in names.split():
        for payload in payloads.ALL[::9]:
            query = urlencode({name: payload.encode("utf-8", "replace")})
            answer = story.console.get(f"{page.format(trace=story.trace)}?{query}")
            assert answer.status in (200, 400), payload
            assert_harmless(answer.text)


def test_a_search_leads_only_to_pages_of_the_console(story: Story) -> None:
    for payload in payloads.ALL:
        answer = story.console.get(f"/search?{urlencode({'q': payload.encode('utf-8', 'replace')})}")
        assert answer.status == 302
        assert re.match(r"/[a-z]", answer.headers["Location"]), payload


def test_json_is_never_read_as_a_page(story: Story) -> None:
    for path in (
        f"/api/v3/traces/{story.trace}",
        "/api/logs",
        "/api/ids",
        "/api/tail",
        f"/trace/{story.trace}.json",
    ):
        headers = story.console.get(path).headers
        assert headers["Content-Type"] == "application/json"
        assert headers["X-Content-Type-Options"] == "nosniff"
    text = story.console.get(f"/trace/{story.trace}.txt")
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert [one for one in text.text if not one.isprintable() and one != "\n"] == []


def assert_harmless(text: str) -> None:
    """No tag, handler, style or address that a template did not write; nothing that cannot be seen."""
    tags = Tags(text)
    for tag, attrs in tags.found:
        assert tag not in FORBIDDEN, (tag, attrs)
        data = attrs.get("type") == "application/json"
        assert tag != "script" or data or (attrs["src"] or "").startswith("/static/")
        assert tag != "meta" or "http-equiv" not in attrs
        assert not [name for name in attrs if name.startswith("on") or name == "style"], (tag, attrs)
        for name in ("href", "src", "action", "formaction", "xlink:href"):
            address = attrs.get(name) or "/"
            assert re.match(r"/(?!/)|#|\?", address) or is_outward(tag, attrs), (tag, attrs)
    unseen = re.search(
        "[^\n]{0,40}[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069].{0,40}", tags.read
    )
    assert not unseen, unseen


def is_outward(tag: str, attrs: dict[str, str | None]) -> bool:
    """A link out of a value: to http or https only, telling the other side nothing."""
    relation = (attrs.get("rel") or "").split()
    outward = re.match(r"https?://[^\s\"'<>]+$", attrs.get("href") or "") is not None
    return tag == "a" and outward and {"noopener", "noreferrer"} <= set(relation)
