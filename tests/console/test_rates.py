"""Rates and edges against a plain recount of the stored spans, in whatever order and how often they came."""

from __future__ import annotations

import json
import math
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_observe.console import histogram, rates
from django_observe.console.limits import Retention
from django_observe.console.peers import UNANSWERED, Peer, peer_of
from django_observe.console.schema import SCHEMA_VERSION
from django_observe.console.writer import BusyError
from tests.console.bench import Bench
from tests.console.order import Order
from tests.console.running import running, span_id, trace_id
from tests.console.telemetry import attributes, span, traces
from tests.processes import wait_until

Counted = dict[tuple[Any, ...], tuple[int, int, int, dict[int, int]]]
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
SERVICES = ["orders", "auth", "notifications"]


def counted(rows: list[sqlite3.Row]) -> Counted:
    """A table of tallies: its key to its numbers."""
    return {
        tuple(row)[:4]: (row["n"], row["err"], row["sum_ns"], dict(histogram.decode(row["hist"])))
        for row in rows
    }


def tally(found: Counted, key: tuple[Any, ...], row: sqlite3.Row) -> None:
    n, errors, total, counts = found.get(key, (0, 0, 0, {}))
    bucket = histogram.bucket_of(row["dur_ns"])
    counts = {**counts, bucket: counts.get(bucket, 0) + 1}
    found[key] = (n + 1, errors + (row["status"] == 2), total + row["dur_ns"], counts)


def recount(spans: list[sqlite3.Row]) -> tuple[Counted, Counted]:
    """Rates and edges from all spans at once: what any order of arrival has to add up to."""
    red: Counted = {}
    edges: Counted = {}
    known = {(row["trace_id"], row["span_id"]): row for row in spans}
    answered: dict[tuple[bytes, bytes], set[str]] = {}
    place = {key: number for number, key in enumerate(known)}
    heard: list[tuple[int, int, str, str, str]] = []
    for row in spans:
        if row["kind"] in (SERVER, CONSUMER):
            at = row["listed_ns"] // 10**10 * 10
            tally(red, (at, row["service"], row["name"], row["kind"]), row)
            parent = known.get((row["trace_id"], row["parent_id"]))
            if parent is None:
                continue
            if parent["kind"] in (CLIENT, PRODUCER):
                call = (row["trace_id"], row["parent_id"])
                answered.setdefault(call, set()).add(row["service"])
                when = place[row["trace_id"], row["span_id"]]
                address = address_of(parent)
                heard.append((max(when, place[call]), when, parent["service"], address, row["service"]))
            elif parent["service"] != row["service"]:
                edge_type = "messaging" if row["kind"] == CONSUMER else "call"
                tally(edges, (at, parent["service"], row["service"], edge_type), row)
    for key, row in known.items():
        if row["kind"] in (CLIENT, PRODUCER):
            before = [(when, *told) for when, *told in heard if when < place[key]]
            for target, edge_type in far_ends(row, answered.get(key, set()), before):
                tally(edges, (row["listed_ns"] // 10**10 * 10, row["service"], target, edge_type), row)
    return red, edges


def far_ends(row: sqlite3.Row, answered: set[str], before: list[tuple[Any, ...]]) -> set[tuple[str, str]]:
    """Who answered a call, or else who last answered its caller at its address, or else the address."""
    peer = peer_of(json.loads(row["attrs"]), producer=row["kind"] == PRODUCER)
    same = [one for one in before if one[2:4] == (row["service"], address_of(row)) and address_of(row)]
    if answered or not same:
        return {(target, peer.type) for target in answered or {peer.name} - {""}}
    return {(max(same)[4], UNANSWERED)}


def address_of(row: sqlite3.Row) -> str:
    """The address that a call went to; empty for databases and queues."""
    peer = peer_of(json.loads(row["attrs"]), producer=row["kind"] == PRODUCER)
    return peer.name if peer.type == "call" else ""


def assert_true(bench: Bench) -> None:
    red, edges = recount(bench.rows("SELECT * FROM span"))
    assert counted(bench.rows("SELECT * FROM red")) == red
    assert counted(bench.rows("SELECT * FROM edge")) == edges


def random_spans(dice: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """Trees of spans of any kind across services, some parents never sent, over half a minute."""
    now = time.time_ns()
    made = []
    for _ in range(dice.randint(3, 8)):
        trace, ids = trace_id(), [span_id() for _ in range(dice.randint(2, 40))]
        for number, one in enumerate(ids):
            start = now - dice.randrange(30 * 10**9)
            peer: dict[str, object] = dice.choice(
                [
                    {"server.address": "127.0.0.1", "server.port": 8001},
                    {"db.system": "postgresql", "db.name": "orders"},
                    {"messaging.system": "redis", "messaging.destination.name": "celery"},
                    {},
                ]
            )
            made.append(
                (
                    dice.choice(SERVICES),
                    span(
                        trace,
                        one,
                        dice.choice(["GET a", "POST b"]),
                        dice.choice(ids[:number] or [""]) if dice.random() < 0.9 else span_id(),
                        kind=dice.randint(1, 5),
                        startTimeUnixNano=str(start),
                        endTimeUnixNano=str(start + int(10 ** dice.uniform(2, 11))),
                        status={"code": dice.choice([0, 0, 0, 2])},
                        attributes=attributes(peer),
                    ),
                )
            )
    return made


@pytest.mark.parametrize("seed", range(8))
def test_any_order_and_any_repetition_adds_up_to_a_plain_recount(bench: Bench, seed: int) -> None:
    dice = random.Random(seed)
    spans = random_spans(dice)
    spans += dice.sample(spans, len(spans) // 4)
    dice.shuffle(spans)
    while spans:
        size = dice.randint(1, 20)
        for service, one in spans[:size]:
            bench.send(traces(service, one)) if dice.random() < 0.3 else bench.send(traces(service, one, one))
        spans = spans[size:]
    assert_true(bench)
    assert bench.intake.dropped()["duplicate_spans"] > 0
    assert bench.rows("SELECT * FROM edge")


def edges_of(bench: Bench) -> dict[tuple[str, str, str], int]:
    found = bench.rows("SELECT src, dst, type, sum(n) AS n FROM edge GROUP BY src, dst, type")
    return {(row["src"], row["dst"], row["type"]): row["n"] for row in found}


@pytest.mark.parametrize("turn", [list, lambda sent: list(reversed(sent))], ids=["told", "reversed"])
def test_the_edges_of_an_order(bench: Bench, turn: Callable[[Any], list[tuple[str, dict[str, Any]]]]) -> None:
    for path, body in turn(list(Order().requests())):
        if path == "/v1/traces":
            bench.send(body)
    assert_true(bench)
    edges = edges_of(bench)
    assert edges["orders", "auth", "call"] == 1
    assert edges["orders", "pay.example", "call"] == 2
    assert edges["orders", "notifications", "messaging"] == 1
    assert {(source, kind) for source, _, kind in edges if kind == "db"} >= {("auth", "db")}
    assert [(row["service"], row["n"]) for row in bench.rows("SELECT * FROM red ORDER BY service")] == [
        ("auth", 1),
        ("notifications", 1),
        ("orders", 1),
    ]


def test_a_call_moves_from_the_address_to_the_service_that_answered(bench: Bench) -> None:
    trace, call = trace_id(), span_id()
    attrs = attributes({"server.address": "127.0.0.1", "server.port": 8001})
    bench.send(traces("orders", span(trace, call, kind=CLIENT, attributes=attrs)))
    assert edges_of(bench) == {("orders", "127.0.0.1:8001", "call"): 1}
    for _ in range(2):
        bench.send(traces("auth", span(trace, span_id(), "GET user", call, kind=SERVER)))
    assert edges_of(bench) == {("orders", "auth", "call"): 1}
    assert_true(bench)


def test_a_call_without_an_answer_belongs_to_who_last_answered_there(bench: Bench) -> None:
    attrs = attributes({"server.address": "127.0.0.1", "server.port": 8001})

    def call(caller: str, answerer: str = "") -> None:
        trace, call = trace_id(), span_id()
        bench.send(traces(caller, span(trace, call, kind=CLIENT, attributes=attrs)))
        if answerer:
            bench.send(traces(answerer, span(trace, span_id(), "GET user", call, kind=SERVER)))

    for caller, answerer in (("orders", "auth"), ("orders", ""), ("other", ""), ("orders", "users")):
        call(caller, answerer)
    assert edges_of(bench) == {
        ("orders", "auth", "call"): 1,
        ("orders", "auth", UNANSWERED): 1,
        ("other", "127.0.0.1:8001", "call"): 1,
        ("orders", "users", "call"): 1,
    }
    call("orders")
    assert edges_of(bench)["orders", "users", UNANSWERED] == 1
    assert_true(bench)


def test_a_write_that_fails_is_counted_once_when_it_is_sent_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace, call = trace_id(), span_id()
    client = traces("orders", span(trace, call, kind=CLIENT, attributes=attributes({"server.address": "h"})))
    bench.store.connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON trace BEGIN SELECT raise(ABORT, 'full'); END"
    )
    for _ in range(2):
        with pytest.raises(BusyError, match="full"):
            bench.send(client)
    bench.store.connection.execute("DROP TRIGGER full")
    bench.send(client)
    bench.send(traces("auth", span(trace, span_id(), "GET user", call, kind=SERVER)))
    assert edges_of(bench) == {("orders", "auth", "call"): 1}
    assert_true(bench)


def test_durations_that_no_clock_can_measure_do_not_sink_the_batch(bench: Bench) -> None:
    for _ in range(2):
        endless = span(
            trace_id(), span_id(), kind=SERVER, startTimeUnixNano="0", endTimeUnixNano=str(2**64 - 1)
        )
        bench.send(traces("odd", endless))
    (row,) = bench.rows("SELECT * FROM red")
    assert (row["n"], row["sum_ns"]) == (2, 2**63 - 1)


def test_percentiles_of_merged_histograms_are_within_a_fifth() -> None:
    dice = random.Random(1)
    durations = [int(dice.lognormvariate(17, 1.5)) for _ in range(20_000)]
    parts = [Counter(map(histogram.bucket_of, durations[start::7])) for start in range(7)]
    merged = sum((histogram.decode(histogram.encode(part)) for part in parts), Counter[int]())
    for share in (0.5, 0.95, 0.99):
        exact = sorted(durations)[math.ceil(share * len(durations)) - 1]
        assert exact / 1.2 <= histogram.quantile(merged, share) <= exact * 1.2
    once = Counter([histogram.bucket_of(18_400_000)])
    assert histogram.quantile(once, 0.99, 18_400_000) == 18_400_000
    assert histogram.quantile(Counter(), 0.5) == 0
    assert [histogram.bucket_of(ns) for ns in (-1, 0, 1, 2**10, 2**62)] == [0, 0, 0, 0, 127]


@pytest.mark.parametrize(
    ("attrs", "peer"),
    [
        ({"db.system.name": "postgresql", "db.namespace": "shop"}, Peer("postgresql shop", "db")),
        ({"db.system": "sqlite"}, Peer("sqlite", "db")),
        (
            {"messaging.system": "kafka", "messaging.destination.name": "mail"},
            Peer("kafka mail", "messaging"),
        ),
        ({"server.address": "pay.example", "server.port": 443}, Peer("pay.example:443", "call")),
        ({"peer.service": "pay", "server.port": 443, "server.address": "x"}, Peer("pay", "call")),
        ({"url.full": "https://ada:pw@pay.example:8443/charges?q"}, Peer("pay.example:8443", "call")),
        ({"url.full": "http://[::1/"}, Peer("", "call")),
        ({"net.peer.name": "old.example"}, Peer("old.example", "call")),
        ({}, Peer("", "call")),
    ],
)
def test_what_a_client_called(attrs: dict[str, Any], peer: Peer) -> None:
    assert peer_of(attrs, producer=False) == peer


def test_rates_go_with_age_and_when_there_are_too_many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    connection = bench.store.connection
    rows = [(now // 10**9 - age, "s", "o", 2, 1, 0, 1, b"") for age in range(0, 600, 10)]
    connection.executemany("INSERT INTO red VALUES(?,?,?,?,?,?,?,?)", rows)
    connection.executemany("INSERT INTO edge VALUES(?,?,?,?,?,?,?,?)", rows)
    count = "SELECT (SELECT count(*) FROM red), (SELECT count(*) FROM edge), (SELECT max(bucket) FROM red)"
    while rates.evict(connection, now - 300 * 10**9):
        pass
    assert tuple(bench.rows(count)[0]) in [(left, left, now // 10**9) for left in (30, 31)]
    monkeypatch.setattr(rates, "_ROWS", 12)
    while rates.evict(connection, 0):
        pass
    assert tuple(bench.rows(count)[0]) == (12, 12, now // 10**9)


def test_the_writer_evicts_old_rates() -> None:
    bench = Bench(retention=Retention(seconds=3600))
    try:
        at = time.time_ns() - 7200 * 10**9
        old = span(trace_id(), span_id(), kind=SERVER, startTimeUnixNano=str(at), endTimeUnixNano=str(at))
        bench.send(traces("old", old))
        bench.send(traces("new", span(trace_id(), span_id(), kind=SERVER)))
        wait_until(lambda: len(bench.rows("SELECT * FROM red")) == 1, "the old rates to go")
        assert bench.rows("SELECT service FROM red")[0][0] == "new"
    finally:
        bench.close()


def test_every_start_is_a_run(tmp_path: Path) -> None:
    file = tmp_path / "console.db"
    before = time.time_ns()
    for _ in range(2):
        with running("--db", file) as console:
            console.send("/v1/traces", traces("runs", span(trace_id(), span_id(), kind=SERVER)))
    connection = sqlite3.connect(file)
    starts = [row[0] for row in connection.execute("SELECT started_ns FROM run ORDER BY id")]
    assert len(starts) == 2
    assert before < starts[0] < starts[1] < time.time_ns()
    assert connection.execute("SELECT sum(n) FROM red").fetchone() == (2,)
    connection.close()


def test_a_file_of_version_1_is_upgraded_in_place_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "console.db"
    bench = Bench(file)
    for path, body in Order().requests():
        if path == "/v1/traces":
            bench.send(body)
    before = bench.rows("SELECT * FROM span")
    bench.store.connection.executescript(
        "DROP TABLE red; DROP TABLE edge; DROP TABLE run; DROP TABLE meta; DROP TABLE pin;"
        "DROP INDEX trace_updated; DROP INDEX trace_failed;"
        "PRAGMA user_version=1;"
    )
    bench.close()
    bench = Bench(file)
    assert not bench.store.notice
    assert [tuple(row) for row in bench.rows("SELECT * FROM span")] == [tuple(row) for row in before]
    assert_true(bench)
    assert edges_of(bench)["orders", "auth", "call"] == 1
    assert bench.rows("SELECT v FROM meta WHERE k='created_as_version'")[0][0] == 1
    assert bench.rows("PRAGMA user_version")[0][0] == SCHEMA_VERSION
    bench.close()
    assert list(tmp_path.glob("*.bak")) == []
