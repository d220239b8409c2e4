"""Celery: every task and queue. Do tasks run, do they fail, do they wait, is there anyone to run them?"""

from __future__ import annotations

from typing import Final

from dashboards import links, logql
from dashboards.grafana import celeryworkers, tasks
from dashboards.grafana.celeryworkers import WAIT
from dashboards.grafana.figures import each, figure, graph, listing
from dashboards.grafana.panels import (
    ERROR_RATIO,
    GREEN,
    ORANGE,
    RED,
    Board,
    Column,
    Panel,
    Query,
    Row,
    Step,
)
from dashboards.grafana.variables import (
    ENVIRONMENTS,
    MANY_SERVICES,
    STREAMS,
    per_second,
    series,
    to,
    to_errors,
)
from dashboards.promql import sum_by
from dashboards.scrape import SERVICE
from django_observe.taskmetricset import TASK_FAILED, TASK_RETRIED, TASK_SENT, WORKER_UP
from django_observe.vocabulary import Label

_WORKERS: Final[tuple[Step, ...]] = ((None, RED), (1, GREEN))
_TASK: Final = (SERVICE, Label.NAME)
_ERROR_LINES: Final = logql.tasks(logql.errors(*STREAMS))

NOW: Final = Row(
    "Now",
    (
        figure(
            "Task runs",
            "Task runs per second, however they ended.",
            "zero while the backlog grows: the workers are gone or stuck.",
            Query(tasks.runs()),
            to(links.SERVICES, "All services"),
            unit="ops",
        ),
        figure(
            "Failure ratio",
            "The share of task runs that failed for good.",
            "the table below names the task, the graph beside it the exception.",
            Query(tasks.failure_ratio()),
            to_errors(),
            unit="percentunit",
            steps=ERROR_RATIO,
        ),
        figure(
            "Retry ratio",
            "The share of task runs that ended in a retry.",
            "something that tasks call is down: look at Dependencies.",
            Query(tasks.retry_ratio()),
            to(links.DEPENDENCIES, "What tasks call"),
            unit="percentunit",
            steps=((None, GREEN), (0.05, ORANGE), (0.5, RED)),
        ),
        figure(
            "Runtime",
            "Nineteen of twenty task runs take at most this long.",
            "slow tasks fill the workers: find the task below, then its trace.",
            Query(tasks.runtime(0.95)),
            to(links.DEPENDENCIES, "What tasks call"),
            unit="s",
        ),
        figure(
            "Queue wait",
            "Nineteen of twenty tasks start within this time after their publication.",
            "more work comes than the workers do: add workers, or find what slowed the tasks.",
            Query(tasks.queue_wait(0.95)),
            to(links.SERVICES, "Who publishes"),
            unit="s",
            steps=WAIT,
        ),
        figure(
            "Backlog",
            "Messages that wait in the broker's queues.",
            "if it grows, compare published with run below.",
            Query(tasks.backlog()),
            to(links.SERVICES, "Who publishes"),
            steps=((None, GREEN), (100, ORANGE), (1000, RED)),
        ),
        figure(
            "Workers up",
            "Workers that answer scrapes.",
            "start them again; until then every message waits.",
            Query(sum_by(series(WORKER_UP.name))),
            to(links.TELEMETRY, "Scraped workers"),
            steps=_WORKERS,
        ),
        figure(
            "Published",
            "Tasks published per second, by services and by tasks.",
            "zero: the publishers cannot reach the broker, or have no work.",
            Query(per_second(TASK_SENT)),
            to(links.SERVICES, "Who publishes"),
            unit="ops",
        ),
    ),
)

TASKS: Final = Row(
    "Tasks",
    (
        listing(
            "Each task",
            "Rate, failures, retries, runtime and waiting of each task, worst first.",
            "click the failures for the log lines of the service that runs it.",
            (
                each(tasks.runs(*_TASK)),
                each(tasks.failure_ratio(*_TASK)),
                each(tasks.retry_ratio(*_TASK)),
                each(tasks.runtime(0.5, *_TASK)),
                each(tasks.runtime(0.95, *_TASK)),
                each(tasks.queue_wait(0.95, *_TASK)),
            ),
            (
                Column(source=Label.NAME, title="Task"),
                Column(
                    source=SERVICE,
                    title="Service",
                    links=(to(links.SERVICE, "Service", service="${__data.fields.Service}"),),
                ),
                Column(source=0, title="Runs per second", unit="ops", decimals=3),
                Column(
                    source=1,
                    title="Failures",
                    unit="percentunit",
                    steps=ERROR_RATIO,
                    links=(to_errors("${__data.fields.Service}"),),
                ),
                Column(source=2, title="Retries", unit="percentunit"),
                Column(source=3, title="Runtime, median", unit="s"),
                Column(source=4, title="Runtime, 95th percentile", unit="s"),
                Column(source=5, title="Queue wait, 95th percentile", unit="s", steps=WAIT),
            ),
            to_errors(),
            sort_by="Failures",
            width=24,
        ),
        graph(
            "Runs by outcome",
            "Task runs per second that succeeded, failed for good, or will be retried.",
            "red: read the error lines beside it; orange alone: a dependency is down for a while.",
            (
                Query(tasks.success(), "succeeded"),
                Query(per_second(TASK_FAILED), "failed", empty_when_healthy=tasks.NEVER_FAILED),
                Query(per_second(TASK_RETRIED), "retried", empty_when_healthy=tasks.NEVER_RETRIED),
            ),
            to_errors(),
            unit="ops",
            colors={"succeeded": GREEN, "failed": RED, "retried": ORANGE},
            stacked=True,
        ),
        Panel(
            kind="logs",
            title="Failed task runs",
            shows="The ERROR line of each failed task run, newest first, with its exception and stack.",
            then="open a line: `correlation_id` leads to the request that published the task.",
            queries=(Query(_ERROR_LINES, source=links.LOKI, empty_when_healthy=tasks.NEVER_FAILED),),
            links=(to_errors(),),
            unit="none",
        ),
    ),
)

BOARD: Final = Board(
    uid=links.CELERY,
    title="Celery",
    about="Every task, queue and worker: rate, failures, retries, runtime, waiting, backlog.",
    variables=(ENVIRONMENTS, MANY_SERVICES),
    rows=(NOW, TASKS, *celeryworkers.ROWS),
)
