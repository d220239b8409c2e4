"""The log lines: facets, levels over time, the seconds around one, pages."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.console.running import Console, running, span_id, trace_id
from tests.console.telemetry import attributes, log, logs

LEVELS = {"DEBUG": 5, "INFO": 9, "WARNING": 13, "ERROR": 17, "CRITICAL": 21}
NOW = time.time_ns()


def line(
    text: str, level: str = "INFO", seconds_ago: float = 0, logger: str = "views", **fields: object
) -> dict[str, object]:
    at = str(NOW - int(seconds_ago * 10**9))
    return log(
        text,
        severityNumber=LEVELS[level],
        timeUnixNano=at,
        attributes=attributes({"logger": logger}),
        **fields,
    )


@pytest.fixture(scope="module")
def filled() -> Iterator[Console]:
    with running() as console:
        console.send("/v1/logs", logs(
            "shop",
            line("basket opened", seconds_ago=40),
            line("stock is low", "WARNING", 30),
            line("payment refused", "ERROR", 20, "payments"),
            line("payment retried", "DEBUG", 19, "payments", traceId="ab" * 16, spanId="cd" * 8),
        ))  # fmt: skip
        console.send(
            "/v1/logs", logs("mailer", line("mail sent", seconds_ago=10), line("no relay", "CRITICAL", 7200))
        )
        yield console


def page(console: Console, **query: str) -> str:
    answer = console.get(f"/logs?{urlencode(query)}")
    assert answer.status == 200
    return html.unescape(answer.text)


def messages(text: str) -> list[str]:
    return re.findall(r'<span class="msg">([^<]*)<', text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (
            {},
            ["mail sent", "payment retried", "payment refused", "stock is low", "basket opened", "no relay"],
        ),
        ({"logger": "payments"}, ["payment retried", "payment refused"]),
        ({"service": "mailer"}, ["mail sent", "no relay"]),
        ({"level": "warning"}, ["payment refused", "stock is low", "no relay"]),
        ({"q": "pay ref"}, ["payment refused"]),
        ({"q": "pay\0ref"}, ["payment refused"]),
        ({"q": "payment", "logger": "views"}, []),
        ({"trace_id": "AB" * 16}, ["payment retried"]),
        ({"range": "1h", "level": "error"}, ["payment refused"]),
        ({"range": "1h", "q": "relay"}, []),
    ],
)
def test_each_filter_finds_what_it_says(filled: Console, query: dict[str, str], found: list[str]) -> None:
    assert messages(page(filled, **query)) == found


def facets(text: str) -> dict[str, dict[str, int]]:
    found = {}
    for name, body in re.findall(r"<section><h2>(Level|Service|Logger)</h2>(.*?)</section>", text, re.DOTALL):
        rows = re.findall(r'class="value">([^<]*)</span><span class="count">(\d+)', body)
        found[name] = {value.removesuffix(" +"): int(count) for value, count in rows}
    return found


def test_facets_count_what_choosing_them_would_show(filled: Console) -> None:
    everything = {"DEBUG": 6, "INFO": 5, "WARNING": 3, "ERROR": 2, "CRITICAL": 1}
    assert facets(page(filled)) == {
        "Level": everything,
        "Service": {"shop": 4, "mailer": 2},
        "Logger": {"views": 4, "payments": 2},
    }
    text = page(filled, service="shop")
    assert facets(text)["Service"] == {"shop": 4, "mailer": 2}
    assert facets(text)["Logger"] == {"payments": 2, "views": 2}
    for name, values in facets(text).items():
        for value, count in values.items():
            shown = page(filled, **{"service": "shop", name.lower(): value})
            assert len(messages(shown)) == count


def test_the_picture_counts_levels_over_time(filled: Console) -> None:
    text = page(filled, range="1h")
    picture = text[text.index('id="volume"') : text.index("</figure>")]
    titles = re.findall(r"<title>[\d:]+ (\d+) (\w+)</title>", picture)
    counts: dict[str, int] = {}
    for count, level in titles:
        counts[level] = counts.get(level, 0) + int(count)
    assert counts == {"INFO": 3, "WARNING": 1, "ERROR": 1}
    assert 'id="volume"' not in page(filled, q="unheardof")


def test_a_line_links_its_trace_and_the_seconds_around_it(filled: Console) -> None:
    text = page(filled, logger="payments")
    assert re.search(rf'href="/trace/{"ab" * 16}\?log=\d+#log-\d+"', text)
    around = re.findall(r'href="/logs\?(service=shop[^"]*)"', text)
    nearby = html.unescape(filled.get(f"/logs?{around[-1]}").text)
    assert messages(nearby) == ["payment retried", "payment refused"]


def test_attributes_are_shown_under_each_line_when_asked_for(filled: Console) -> None:
    filled.send("/v1/logs", logs("shop", log("with one", attributes=attributes({"order.id": 7}))))
    assert 'class="pairs"' not in page(filled)
    assert "<b>order.id</b>=7" in page(filled, attributes="1", q="with one")
    assert 'class="wrapped"' in page(filled, wrap="1")


@pytest.mark.parametrize("query", [{}, {"q": "same"}])
def test_pages_follow_one_another_without_gap_or_repetition(query: dict[str, str]) -> None:
    with running() as console:
        at = str(time.time_ns())
        many = [log(f"same {number}", timeUnixNano=at) for number in range(250)]
        console.send("/v1/logs", logs("busy", *many))
        seen: list[str] = []
        for _ in range(4):
            text = page(console, **query)
            seen += messages(text)
            more = re.findall(r'class="button" href="\?([^"]*before[^"]+)"', text)
            if not more:
                break
            query = dict(pair.split("=") for pair in more[0].split("&"))
        assert sorted(seen) == sorted(f"same {number}" for number in range(250))


def test_what_cannot_be_read_is_answered_with_what_can(filled: Console) -> None:
    for query in ("before=7", "level=loud", "trace_id=12", "range=year"):
        answer = filled.get(f"/logs?{query}")
        assert answer.status == 400
        assert "accepted" in answer.text


def test_hostile_names_stay_text_in_facets_and_chips(filled: Console) -> None:
    name = "<img src=x onerror=alert(1)>"
    filled.send("/v1/logs", logs(name, line("x", logger=name, traceId=trace_id(), spanId=span_id())))
    for query in ("", f"?{urlencode({'service': name, 'logger': name, 'q': name})}"):
        assert "<img" not in filled.get(f"/logs{query}").text


def test_the_levels_to_choose_say_what_they_include(filled: Console) -> None:
    levels = re.findall(r"<option value=\"[A-Z]+\">([a-z ]+)</option>", filled.get("/logs").text)
    assert levels[-2:] == ["error and above", "critical"]
