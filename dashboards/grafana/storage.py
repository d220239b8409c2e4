"""The rows of the Dependencies dashboard about databases and caches."""

from __future__ import annotations

from typing import Final

from dashboards import links
from dashboards.grafana import traffic
from dashboards.grafana.figures import figure, graph
from dashboards.grafana.panels import GREEN, LATENCY, ORANGE, RED, ZERO_IS_WELL, Query, Row
from dashboards.grafana.variables import per_second, series, to, to_errors
from dashboards.promql import max_by, quantile, rate, ratio, sum_by
from dashboards.scrape import SERVICE
from django_observe.metricset import (
    CACHE_FAILURES,
    CACHE_GETS,
    CACHE_HITS,
    DB_ERRORS,
    DB_NEW_CONNECTION_ERRORS,
    DB_NEW_CONNECTIONS,
    DB_QUERY_DURATION,
    MIGRATIONS_UNAPPLIED,
    MODEL_DELETES,
    MODEL_INSERTS,
    MODEL_UPDATES,
)
from django_observe.vocabulary import Label

_DATABASE: Final = (SERVICE, Label.ALIAS)
_TO_SERVICE: Final = to(links.SERVICE, "The service", service="${__field.labels.service}")
_TO_ERRORS: Final = to_errors("${__field.labels.service}")
_NO_CACHE: Final = "no service has asked a cache"
_NO_FAULT: Final = "the database has answered everything"
_NO_WRITES: Final = "no model of that kind of write yet"


_ERRORS: Final = (
    f"({per_second(DB_ERRORS)} or vector(0)) + ({per_second(DB_NEW_CONNECTION_ERRORS)} or vector(0))"
)

FIGURES: Final = (
    figure(
        "Statements, 95th percentile",
        "Nineteen of twenty database statements take at most this long.",
        "look for locks and missing indexes; traces show the statement.",
        Query(quantile(0.95, rate(series(DB_QUERY_DURATION.bucket)))),
        to(links.SERVICE, "Time per request"),
        unit="s",
        steps=LATENCY,
    ),
    figure(
        "Database errors",
        "Statements that raised and connections that failed, per second.",
        "the graph below tells them apart; the error lines carry the database's own words.",
        Query(_ERRORS),
        to_errors(),
        unit="cps",
        steps=ZERO_IS_WELL,
    ),
    figure(
        "Cache hits",
        "The share of cache lookups that found something.",
        "a fall means an emptied cache or a changed key: expect more database time.",
        Query(ratio(per_second(CACHE_HITS), per_second(CACHE_GETS)), empty_when_healthy=_NO_CACHE),
        to(links.SERVICE, "Database time per request"),
        unit="percentunit",
        steps=((None, RED), (0.5, ORANGE), (0.8, GREEN)),
        no_value="no cache",
    ),
)

DATABASE: Final = Row(
    "Databases",
    (
        graph(
            "Statement latency, 95th percentile",
            "Nineteen of twenty statements take at most this long, by service and database.",
            "slow for one service: its queries; slow for all: the server.",
            Query(
                quantile(0.95, rate(series(DB_QUERY_DURATION.bucket)), *_DATABASE), "{{service}} {{alias}}"
            ),
            _TO_SERVICE,
            unit="s",
            width=8,
        ),
        graph(
            "Statements per second",
            "Database statements by service and database.",
            "growth without more requests: an N+1, or a job that loops.",
            Query(sum_by(rate(series(DB_QUERY_DURATION.count)), *_DATABASE), "{{service}} {{alias}}"),
            _TO_SERVICE,
            unit="ops",
            width=8,
        ),
        graph(
            "Statements per request",
            "Database statements per request, by service.",
            "a step up after a deployment is most likely an N+1.",
            Query(traffic.queries_per_request(SERVICE), "{{service}}"),
            _TO_SERVICE,
            width=8,
        ),
        graph(
            "Database errors by type",
            "Statements that raised and connections that failed, by exception type.",
            "OperationalError: the server or the network; IntegrityError: the application.",
            (
                Query(
                    per_second(DB_ERRORS, *_DATABASE, Label.TYPE),
                    "{{service}} {{type}}",
                    empty_when_healthy=_NO_FAULT,
                ),
                Query(
                    per_second(DB_NEW_CONNECTION_ERRORS, *_DATABASE),
                    "{{service}} cannot connect",
                    empty_when_healthy=_NO_FAULT,
                ),
            ),
            _TO_SERVICE,
            _TO_ERRORS,
            unit="cps",
            width=8,
        ),
        graph(
            "New connections",
            "Connections opened per second; few, when CONN_MAX_AGE or a pool keeps them.",
            "as many as requests: connections are not kept, and each costs a round trip or more.",
            Query(per_second(DB_NEW_CONNECTIONS, *_DATABASE), "{{service}} {{alias}}"),
            _TO_SERVICE,
            unit="cps",
            width=8,
        ),
        graph(
            "Migrations not applied",
            "Migrations that the code has and the database has not.",
            "above zero after a deployment: the migration step did not run.",
            Query(
                max_by(series(MIGRATIONS_UNAPPLIED.name), SERVICE, Label.CONNECTION),
                "{{service}} {{connection}}",
            ),
            _TO_SERVICE,
            width=8,
        ),
    ),
)

CACHES: Final = Row(
    "Writes and caches",
    (
        graph(
            "Rows written by model",
            "Inserts, updates and deletes per second, for models that count them.",
            "a model nobody should write to just now names the job that runs amok.",
            tuple(
                Query(
                    per_second(metric, SERVICE, Label.MODEL),
                    f"{{{{model}}}} {verb}",
                    empty_when_healthy=_NO_WRITES,
                )
                for metric, verb in (
                    (MODEL_INSERTS, "inserted"),
                    (MODEL_UPDATES, "updated"),
                    (MODEL_DELETES, "deleted"),
                )
            ),
            _TO_SERVICE,
            unit="ops",
        ),
        graph(
            "Cache lookups",
            "Cache lookups per second by outcome of the backend.",
            "failed lookups: the cache server is unreachable and everything falls to the database.",
            (
                Query(
                    per_second(CACHE_GETS, SERVICE, Label.BACKEND),
                    "{{service}} asked",
                    empty_when_healthy=_NO_CACHE,
                ),
                Query(
                    per_second(CACHE_HITS, SERVICE, Label.BACKEND),
                    "{{service}} found",
                    empty_when_healthy=_NO_CACHE,
                ),
                Query(
                    per_second(CACHE_FAILURES, SERVICE, Label.BACKEND),
                    "{{service}} failed",
                    empty_when_healthy=_NO_CACHE,
                ),
            ),
            _TO_SERVICE,
            _TO_ERRORS,
            unit="ops",
            colors={"failed$": RED},
        ),
    ),
)

ROWS: Final = (DATABASE, CACHES)
