"""Telemetry: is what the other dashboards show complete? Losses, scrapes, and the stack's own health."""

from __future__ import annotations

from typing import Final

from dashboards import links
from dashboards.grafana import backends
from dashboards.grafana.figures import figure, graph
from dashboards.grafana.panels import GREEN, ORANGE, RED, ZERO_IS_WELL, Board, Panel, Query, Row, Step
from dashboards.grafana.variables import ENVIRONMENTS, MANY_SERVICES, per_second, series, to, to_errors
from dashboards.promql import count_by, increase, max_by, min_by, sum_by
from dashboards.scrape import (
    INSTANCE,
    JOB,
    SCRAPE_DURATION,
    SCRAPE_SAMPLES,
    SERVICE,
    UP,
)
from django_observe.metricset import (
    INTERNAL_FAILURES,
    METRIC_OVERFLOW,
    SCRAPE_INCOMPLETE,
    TELEMETRY_ACCEPTED,
    TELEMETRY_DROPPED,
    TELEMETRY_EXPORTED,
    TELEMETRY_LAST_SUCCESS,
    TELEMETRY_QUEUED,
)
from django_observe.vocabulary import Label, Metric

_TO_SERVICE: Final = to(links.SERVICE, "This service", service="${__field.labels.service}")
_TO_ERRORS: Final = to_errors("${__field.labels.service}")
_SIGNAL: Final = (SERVICE, Label.SIGNAL)
_NO_LOSS: Final = "nothing has been lost"
_NO_FAULT: Final = "the telemetry has had no fault"
_FEW_LABELS: Final = "no family has had too many label sets"
_AGE: Final[tuple[Step, ...]] = ((None, GREEN), (120, ORANGE), (600, RED))


def _in_range(metric: Metric) -> str:
    return f"{sum_by(increase(series(metric.total)))} or vector(0)"


_SILENCE: Final = f"time() - {max_by(f'{series(TELEMETRY_LAST_SUCCESS.name)} > 0', *_SIGNAL)}"

NOW: Final = Row(
    "Now",
    (
        figure(
            "Accepted",
            "Spans and log lines taken for export, per second.",
            "zero under traffic: no exporter is configured, or sampling is at zero.",
            Query(per_second(TELEMETRY_ACCEPTED)),
            to(links.SERVICES, "Traffic"),
            unit="ops",
        ),
        figure(
            "Lost",
            "Spans and log lines lost in the chosen time.",
            "the graph below says why; while this is above zero, traces and logs have holes.",
            Query(_in_range(TELEMETRY_DROPPED)),
            to(links.SERVICES, "All services"),
            steps=ZERO_IS_WELL,
        ),
        figure(
            "Queued",
            "Spans and log lines waiting for export.",
            "it grows while a backend does not take them; when the queue is full they are lost.",
            Query(sum_by(series(TELEMETRY_QUEUED.name))),
            to(links.SERVICES, "All services"),
        ),
        figure(
            "Longest silence",
            "Since when a service that exports has had nothing taken over, at worst.",
            "the backend of that signal is unreachable, or refuses: see the bottom rows.",
            Query(max_by(_SILENCE)),
            to(links.SERVICES, "All services"),
            unit="s",
            steps=_AGE,
        ),
        figure(
            "Internal faults",
            "Faults of the telemetry itself in the chosen time, kept from the service.",
            "the service's log names the place once; report it with that line.",
            Query(_in_range(INTERNAL_FAILURES)),
            to_errors(),
            steps=ZERO_IS_WELL,
        ),
        figure(
            "Folded label sets",
            "Observations in the chosen time that went into `other`: their family had too many label sets.",
            "a label takes values without bound; the graph below names the family.",
            Query(_in_range(METRIC_OVERFLOW)),
            to(links.SERVICE, "Routes"),
            steps=ZERO_IS_WELL,
        ),
        figure(
            "Incomplete pages",
            "Scraped processes whose page shows one of several workers.",
            "start gunicorn with `-c python:django_observe.gunicorn`.",
            Query(f"{sum_by(f'{series(SCRAPE_INCOMPLETE.name)} > 0')} or vector(0)"),
            to(links.SERVICES, "All services"),
            steps=ZERO_IS_WELL,
        ),
        figure(
            "Targets down",
            "Everything that is scraped and does not answer, the stack's own programs included.",
            "the timeline below says which and since when.",
            Query(count_by(f"{UP} == 0") + " or vector(0)"),
            to(links.SERVICES, "Services"),
            steps=ZERO_IS_WELL,
        ),
    ),
)

LEDGER: Final = Row(
    "The ledger: accepted = exported + dropped + queued",
    (
        graph(
            "Accepted and exported",
            "Spans and log lines taken for export, and taken over by a backend, per second.",
            "the two curves part: look at queued and lost beside it.",
            (
                Query(per_second(TELEMETRY_ACCEPTED, Label.SIGNAL), "{{signal}} accepted"),
                Query(per_second(TELEMETRY_EXPORTED, Label.SIGNAL), "{{signal}} exported"),
            ),
            to(links.SERVICES, "All services"),
            unit="ops",
        ),
        graph(
            "Lost, by reason",
            "Spans and log lines lost per second, by service, signal and reason.",
            "queue_full: the backend is too slow or away; refused: it dislikes what it gets.",
            Query(
                f"{per_second(TELEMETRY_DROPPED, *_SIGNAL, Label.REASON)} > 0",
                "{{service}} {{signal}} {{reason}}",
                empty_when_healthy=_NO_LOSS,
            ),
            _TO_SERVICE,
            _TO_ERRORS,
            unit="ops",
        ),
        graph(
            "Queues by service",
            "Spans and log lines waiting for export, by service and signal.",
            "a saw-tooth is normal; a plateau is a full queue.",
            Query(sum_by(series(TELEMETRY_QUEUED.name), *_SIGNAL), "{{service}} {{signal}}"),
            _TO_SERVICE,
            width=8,
        ),
        graph(
            "Silence",
            "Time since a backend last took something over, by service and signal.",
            "rising without end: nothing arrives; a service without traffic is silent as well.",
            Query(_SILENCE, "{{service}} {{signal}}"),
            _TO_SERVICE,
            unit="s",
            width=8,
            steps=_AGE,
        ),
        graph(
            "Faults and folded label sets",
            "Faults of the telemetry by place, and observations folded into `other` by family, per second.",
            "a fault is ours to mend; a folded family wants a label with fewer values.",
            (
                Query(
                    per_second(INTERNAL_FAILURES, SERVICE, Label.PLACE),
                    "{{service}} {{place}}",
                    empty_when_healthy=_NO_FAULT,
                ),
                Query(
                    per_second(METRIC_OVERFLOW, SERVICE, Label.METRIC),
                    "{{service}} {{metric}}",
                    empty_when_healthy=_FEW_LABELS,
                ),
            ),
            _TO_SERVICE,
            _TO_ERRORS,
            unit="ops",
            width=8,
        ),
    ),
)

SCRAPES: Final = Row(
    "Scrapes",
    (
        Panel(
            kind="state-timeline",
            title="Targets",
            shows="When each scraped target answered, the stack's own programs included.",
            then="red since a deployment: it did not come up; red for all of a job: the network.",
            queries=(Query(min_by(UP, JOB, SERVICE, INSTANCE), "{{job}} {{service}} {{instance}}"),),
            links=(_TO_SERVICE, _TO_ERRORS),
            states={"0": ("down", RED), "1": ("up", GREEN)},
            unit="none",
            height=10,
        ),
        graph(
            "Scrape duration",
            "How long each target takes to answer a scrape.",
            "near ten seconds scrapes begin to fail: the page has too many series, or the process no time.",
            Query(max_by(SCRAPE_DURATION, JOB, SERVICE), "{{job}} {{service}}"),
            _TO_SERVICE,
            unit="s",
            width=6,
            height=10,
        ),
        graph(
            "Samples per scrape",
            "How many samples the largest page of each service has.",
            "steady growth is a label without bounds; at the sample limit the whole scrape is refused.",
            Query(max_by(SCRAPE_SAMPLES, JOB, SERVICE), "{{job}} {{service}}"),
            _TO_SERVICE,
            width=6,
            height=10,
        ),
    ),
)

BOARD: Final = Board(
    uid=links.TELEMETRY,
    title="Telemetry",
    about="Is what the other dashboards show complete? Losses, scrapes, and the health of the stack itself.",
    variables=(ENVIRONMENTS, MANY_SERVICES),
    rows=(NOW, LEDGER, SCRAPES, *backends.ROWS),
)
