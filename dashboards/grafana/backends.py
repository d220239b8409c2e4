"""The rows of the Telemetry dashboard about Prometheus, Loki and Jaeger themselves: sizes and health."""

from __future__ import annotations

from typing import Final

from dashboards import links, stackmetrics
from dashboards.grafana.figures import graph
from dashboards.grafana.panels import GREEN, ORANGE, RED, Link, Query, Row, Step
from dashboards.grafana.variables import to
from dashboards.promql import error_ratio, increase, like, max_by, quantile, rate, selector, sum_by
from dashboards.scrape import JOB, SERVER_ERROR, STACK_JOBS

_SERVICES: Final = to(links.SERVICES, "Who sends it")
_FINE: Final = "nothing has failed"
_LOKI_KEEPS: Final = "7d"
"""`retention_period` of stack/loki/loki.yml."""
_DISK: Final[tuple[Step, ...]] = ((None, GREEN), (0.8, ORANGE), (0.9, RED))


def _look(metric: str) -> Link:
    return Link("Its series in Explore", links.metrics_path(metric, "${__from}", "${__to}"))


def _per_second(metric: str, *by: str) -> str:
    return sum_by(rate(metric), *by)


_LOKI_ERRORS: Final = error_ratio(
    sum_by(rate(selector(stackmetrics.LOKI_REQUESTS, like(stackmetrics.LOKI_STATUS, SERVER_ERROR)))),
    _per_second(stackmetrics.LOKI_REQUESTS),
)

PROMETHEUS: Final = Row(
    "Prometheus and Alertmanager",
    (
        graph(
            "Series and exemplars",
            "Series in memory, and exemplars kept.",
            "about 3 kB of memory for each series: a jump is a label without bounds.",
            (
                Query(stackmetrics.HEAD_SERIES, "series"),
                Query(stackmetrics.EXEMPLARS_STORED, "exemplars"),
            ),
            _look(stackmetrics.HEAD_SERIES),
            width=8,
        ),
        graph(
            "Blocks on disk",
            "Bytes of the finished blocks; the retention bounds them.",
            "near the size of the disk: shorten the retention.",
            Query(stackmetrics.BLOCKS_BYTES, "blocks"),
            _look(stackmetrics.BLOCKS_BYTES),
            unit="bytes",
            width=8,
        ),
        graph(
            "Rules and deliveries that failed",
            "Rule evaluations and deliveries of alerts that failed or were dropped, per second.",
            "anything above zero: alerts may not fire, or not arrive.",
            (
                Query(_per_second(stackmetrics.RULE_FAILURES), "rules"),
                Query(_per_second(stackmetrics.NOTIFICATIONS_DROPPED), "to Alertmanager"),
                Query(
                    _per_second(stackmetrics.NOTIFICATIONS_FAILED, stackmetrics.INTEGRATION),
                    "by {{integration}}",
                ),
            ),
            _look(stackmetrics.RULE_FAILURES),
            unit="cps",
            width=8,
        ),
    ),
)

LOKI: Final = Row(
    "Loki",
    (
        graph(
            "Lines received and discarded",
            "Log lines Loki takes per second, and those it refuses, by reason.",
            "refused lines are lost: the reason names the limit in Loki's configuration.",
            (
                Query(_per_second(stackmetrics.LOKI_LINES), "received"),
                Query(
                    _per_second(stackmetrics.LOKI_DISCARDED, stackmetrics.LOKI_REASON),
                    "discarded: {{reason}}",
                    empty_when_healthy=_FINE,
                ),
            ),
            _look(stackmetrics.LOKI_DISCARDED),
            _SERVICES,
            unit="ops",
            width=6,
            colors={"discarded": RED},
        ),
        graph(
            "Bytes received, streams",
            "Bytes of log lines per second, and streams in memory.",
            "many streams are made by a label with many values: see the index labels.",
            (
                Query(_per_second(stackmetrics.LOKI_BYTES), "bytes per second"),
                Query(sum_by(stackmetrics.LOKI_STREAMS), "streams"),
            ),
            _look(stackmetrics.LOKI_STREAMS),
            _SERVICES,
            width=6,
        ),
        graph(
            "Errors and latency",
            "The share of Loki's requests that fail, and the 99th percentile of their duration in seconds.",
            "slow pushes fill the services' queues; slow queries are a reader's own.",
            (
                Query(_LOKI_ERRORS, "failed (share)"),
                Query(
                    quantile(0.99, rate(stackmetrics.LOKI_REQUEST_BUCKETS), stackmetrics.LOKI_ROUTE),
                    "{{route}} (seconds)",
                ),
            ),
            _look(stackmetrics.LOKI_REQUESTS),
            unit="none",
            width=6,
        ),
        graph(
            "Chunks on disk",
            "Bytes that Loki wrote, compressed, in the days it keeps them; it tells no size of its store.",
            "look at the bytes received: which service logs so much?",
            Query(sum_by(increase(stackmetrics.LOKI_CHUNK_BYTES, _LOKI_KEEPS)), "chunks"),
            _look(stackmetrics.LOKI_CHUNK_BYTES),
            _SERVICES,
            unit="bytes",
            width=6,
        ),
    ),
)

JAEGER: Final = Row(
    "Jaeger, disk, memory",
    (
        graph(
            "Spans received and stored",
            "Spans that Jaeger takes, refuses or fails to take, stores or fails to store, per second.",
            "refused: it is out of memory; not stored: its disk.",
            (
                Query(_per_second(stackmetrics.SPANS_ACCEPTED), "received"),
                Query(_per_second(stackmetrics.SPANS_STORED), "stored"),
                Query(_per_second(stackmetrics.SPANS_REFUSED), "refused", empty_when_healthy=_FINE),
                Query(_per_second(stackmetrics.SPANS_FAILED), "failed", empty_when_healthy=_FINE),
                Query(_per_second(stackmetrics.SPANS_NOT_STORED), "not stored", empty_when_healthy=_FINE),
            ),
            _look(stackmetrics.SPANS_ACCEPTED),
            _SERVICES,
            unit="ops",
            width=6,
            colors={"refused|failed|not stored": RED},
        ),
        graph(
            "Traces on disk",
            "Bytes of Jaeger's store, told once a minute. A file of values counts as 2 GiB while it is open.",
            "near the size of the disk: shorten the time that spans are kept, or sample less.",
            (
                Query(sum_by(stackmetrics.JAEGER_KEYS_BYTES), "keys"),
                Query(sum_by(stackmetrics.JAEGER_VALUES_BYTES), "values"),
            ),
            _look(stackmetrics.JAEGER_VALUES_BYTES),
            _SERVICES,
            unit="bytes",
            width=6,
        ),
        graph(
            "Disk used",
            "How full the disk of Loki's volume is; on one machine it is the disk of all the volumes.",
            "whichever of Prometheus, Loki and Jaeger grows here is the one to shorten.",
            Query(max_by(stackmetrics.LOKI_DISK_USED), "used"),
            _look(stackmetrics.LOKI_DISK_USED),
            unit="percentunit",
            width=6,
            steps=_DISK,
        ),
        graph(
            "Memory",
            "Resident memory of the stack's programs.",
            "near a container's limit it is killed and starts anew: see the targets above.",
            (
                Query(selector(stackmetrics.MEMORY, like(JOB, "|".join(STACK_JOBS))), "{{job}}"),
                Query(stackmetrics.JAEGER_MEMORY, "{{job}}"),
            ),
            _look(stackmetrics.MEMORY),
            unit="bytes",
            width=6,
        ),
    ),
)

ROWS: Final = (PROMETHEUS, LOKI, JAEGER)
