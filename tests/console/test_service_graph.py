"""Nodes and edges of the map."""

from __future__ import annotations

from django_observe.console import graph_view, rate_queries, service_graph, window
from django_observe.console.timerange import EVERYTHING
from tests.console.bench import Bench
from tests.console.order import Order
from tests.console.running import span_id, trace_id
from tests.console.telemetry import attributes, span, traces

SERVER, CLIENT, PRODUCER = 2, 3, 4


def told(bench: Bench) -> None:
    for path, body in Order().requests():
        if path == "/v1/traces":
            bench.send(body)


def test_the_graph_of_an_order(bench: Bench) -> None:
    told(bench)
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        served = rate_queries.requests(connection, shown)
        graph = service_graph.build(connection, shown, served, ["auth", "orders", "notifications"])
    kinds = {node.id: (node.kind, node.title, node.detail) for node in graph.nodes.values()}
    assert kinds["orders"] == ("service", "orders", "")
    assert kinds["db:postgresql auth"] == ("db", "auth", "postgresql")
    assert kinds["host:pay.example"] == ("host", "pay.example", "")
    edges = {(edge.source, edge.target): edge for edge in graph.edges}
    assert edges["client", "orders"].measure.n == 1
    assert ("client", "auth") not in edges, "orders asked for what auth served"
    assert ("client", "notifications") not in edges, "a task is nobody's request"
    queue = edges["orders", "notifications"]
    assert (queue.kind, queue.brokers) == ("messaging", ("redis",))
    assert 121 * 10**6 / 1.2 <= queue.wait_ns(0.95) <= 121 * 10**6 * 1.2
    assert edges["orders", "host:pay.example"].measure.n == 2
    assert graph.nodes["host:pay.example"].measure.errors == 1


def test_a_database_in_a_file_is_its_services_own_and_a_message_nobody_took_is_the_queues(
    bench: Bench,
) -> None:
    for service in ("auth", "orders"):
        call = span(trace_id(), span_id(), kind=CLIENT, attributes=attributes({"db.system": "sqlite"}))
        bench.send(traces(service, call))
    sent = attributes({"messaging.system": "kafka", "messaging.destination.name": "mail"})
    bench.send(traces("orders", span(trace_id(), span_id(), kind=PRODUCER, attributes=sent)))
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        graph = service_graph.build(connection, shown, rate_queries.requests(connection, shown), [])
    nodes = {node.id: (node.kind, node.title, node.detail) for node in graph.nodes.values()}
    assert nodes["db:sqlite@auth"] == ("db", "sqlite", "of auth")
    assert nodes["db:sqlite@orders"] == ("db", "sqlite", "of orders")
    assert nodes["messaging:kafka mail"] == ("messaging", "mail", "kafka")


def test_of_requests_from_outside_and_inside_only_the_number_is_told_apart(bench: Bench) -> None:
    trace, call = trace_id(), span_id()
    where = attributes({"server.address": "h"})
    bench.send(traces("orders", span(trace, call, kind=CLIENT, attributes=where)))
    bench.send(traces("auth", span(trace, span_id(), "GET user", call, kind=SERVER)))
    for _ in range(3):
        bench.send(traces("auth", span(trace_id(), span_id(), "GET user", kind=SERVER)))
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        graph = service_graph.build(connection, shown, rate_queries.requests(connection, shown), [])
    edges = {(edge.source, edge.target): (edge.measure.n, edge.untimed) for edge in graph.edges}
    assert edges == {("orders", "auth"): (1, False), ("client", "auth"): (3, True)}


def test_a_call_to_a_service_that_is_away_is_drawn_to_it_and_not_to_its_address(bench: Bench) -> None:
    where = attributes({"server.address": "127.0.0.1", "server.port": 8001})
    for answered in (True, False, False):
        trace, call = trace_id(), span_id()
        status = {"code": 0 if answered else 2}
        bench.send(traces("orders", span(trace, call, kind=CLIENT, attributes=where, status=status)))
        if answered:
            bench.send(traces("auth", span(trace, span_id(), "GET user", call, kind=SERVER)))
    for _ in range(2):
        bench.send(traces("auth", span(trace_id(), span_id(), "GET user", kind=SERVER)))
    with bench.store.reading() as connection:
        shown = window.of(connection, EVERYTHING)
        graph = service_graph.build(connection, shown, rate_queries.requests(connection, shown), [])
    edges = {(edge.source, edge.target): (edge.measure.n, edge.measure.errors) for edge in graph.edges}
    assert edges == {("orders", "auth"): (3, 2), ("client", "auth"): (2, 0)}
    (failing,) = (edge for edge in graph.edges if edge.source == "orders")
    assert graph_view.traces_of(failing, graph, EVERYTHING) == "/traces?service=orders"


def test_of_a_large_system_the_busiest_part_is_drawn() -> None:
    names = [f"s{number:03}" for number in range(300)]
    nodes = {name: service_graph.Node(name, service_graph.SERVICE, name) for name in names}
    edges = [
        service_graph.Edge(name, "s000", "call", rate_queries.Measure(300 - number))
        for number, name in enumerate(names)
    ]
    drawn = service_graph.Graph(nodes, edges).busiest(10, 20)
    assert [edge.source for edge in drawn.edges] == names[:10]
    assert list(drawn.nodes) == names[:20]
