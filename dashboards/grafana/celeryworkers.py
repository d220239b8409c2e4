"""The rows of the Celery dashboard about time, queues and workers."""

from __future__ import annotations

from typing import Final

from dashboards import links
from dashboards.grafana import tasks
from dashboards.grafana.figures import each, graph, listing
from dashboards.grafana.panels import ERROR_RATIO, GREEN, ORANGE, RED, Column, Panel, Query, Row, Step
from dashboards.grafana.variables import per_second, series, to, to_errors
from dashboards.promql import min_by, sum_by
from dashboards.scrape import SERVICE
from django_observe.taskmetricset import (
    ACTIVE_CONSUMERS,
    ACTIVE_PROCESSES,
    TASK_FAILED,
    TASK_RETRIED,
    TASK_SENT,
    WORKER_TASKS_ACTIVE,
    WORKER_UP,
)
from django_observe.vocabulary import Label

WAIT: Final[tuple[Step, ...]] = ((None, GREEN), (5, ORANGE), (60, RED))
"""Seconds: who waits a minute for a mail asks for it again."""
_QUEUE: Final = (SERVICE, Label.QUEUE_NAME)
"""Queues of one name, such as Celery's default, are not one queue."""
_TO_SERVICE: Final = to(links.SERVICE, "The service of this task", service="${__field.labels.service}")

OUTCOMES: Final = Row(
    "Failures and retries",
    (
        graph(
            "Failures by exception",
            "Task runs that failed for good, by task and exception type.",
            "one exception over many tasks is a dependency; one task alone is its code or its input.",
            Query(
                per_second(TASK_FAILED, SERVICE, Label.NAME, Label.EXCEPTION),
                "{{name}} {{exception}}",
                empty_when_healthy=tasks.NEVER_FAILED,
            ),
            _TO_SERVICE,
            to_errors("${__field.labels.service}"),
            unit="ops",
        ),
        graph(
            "Retries by task",
            "Task runs that ended in a retry, by task.",
            "retries that never end in success are failures in slow motion.",
            Query(
                per_second(TASK_RETRIED, SERVICE, Label.NAME),
                "{{name}}",
                empty_when_healthy=tasks.NEVER_RETRIED,
            ),
            _TO_SERVICE,
            unit="ops",
        ),
    ),
)

TIMES: Final = Row(
    "Runtime and waiting",
    (
        graph(
            "Runtime by task, 95th percentile",
            "Nineteen of twenty runs of each task take at most this long; dots are traced runs.",
            "click a dot: the trace shows what the task waited for.",
            Query(tasks.runtime(0.95, SERVICE, Label.NAME), "{{name}}", exemplar=True),
            _TO_SERVICE,
            unit="s",
        ),
        graph(
            "Queue wait by queue, 95th percentile",
            "Nineteen of twenty tasks start within this time after publication; dots are traced runs.",
            "rising together with the backlog: too few workers, or one task that blocks them.",
            Query(tasks.queue_wait(0.95, *_QUEUE), "{{service}} {{queue_name}}", exemplar=True),
            to(links.SERVICES, "Who publishes"),
            unit="s",
        ),
    ),
)

EACH_QUEUE: Final = listing(
    "Each queue",
    "Rate, failures, retries, runtime, waiting, backlog and consumers of each queue, longest wait first.",
    "a backlog without consumers: start a worker for it; with consumers: too few, or a task hangs.",
    (
        each(tasks.runs(*_QUEUE)),
        each(tasks.failure_ratio(*_QUEUE)),
        each(tasks.retry_ratio(*_QUEUE)),
        each(tasks.runtime(0.95, *_QUEUE)),
        each(tasks.queue_wait(0.95, *_QUEUE)),
        each(tasks.backlog(*_QUEUE)),
        each(sum_by(series(ACTIVE_CONSUMERS.name), *_QUEUE)),
    ),
    (
        Column(source=Label.QUEUE_NAME, title="Queue"),
        Column(source=SERVICE, title="Service"),
        Column(source=0, title="Runs per second", unit="ops", decimals=3),
        Column(source=1, title="Failures", unit="percentunit", steps=ERROR_RATIO, links=(to_errors(),)),
        Column(source=2, title="Retries", unit="percentunit"),
        Column(source=3, title="Runtime, 95th percentile", unit="s"),
        Column(source=4, title="Queue wait, 95th percentile", unit="s", steps=WAIT),
        Column(source=5, title="Backlog", unit="short"),
        Column(source=6, title="Consumers", unit="short"),
    ),
    to_errors(),
    sort_by="Queue wait, 95th percentile",
    width=24,
)

QUEUES: Final = Row(
    "Queues and workers",
    (
        EACH_QUEUE,
        graph(
            "Backlog by queue",
            "Messages that wait in the broker, by queue.",
            "a straight line upwards: nobody consumes; see the workers beside it.",
            Query(tasks.backlog(*_QUEUE), "{{service}} {{queue_name}}"),
            to(links.SERVICES, "Who publishes"),
            width=8,
        ),
        graph(
            "Published and run",
            "Tasks published and task runs, per second.",
            "published above run for long is what a backlog is made of.",
            (Query(per_second(TASK_SENT), "published"), Query(tasks.runs(), "run")),
            to(links.SERVICES, "Who publishes"),
            unit="ops",
            width=8,
        ),
        graph(
            "Processes by queue",
            "Worker processes or threads that consume from each queue.",
            "none: the queue has no consumer; check the workers' -Q option.",
            Query(sum_by(series(ACTIVE_PROCESSES.name), *_QUEUE), "{{service}} {{queue_name}}"),
            to(links.TELEMETRY, "Scraped workers"),
            width=8,
        ),
        graph(
            "Active tasks by worker",
            "Tasks each worker runs right now.",
            "as many as it has processes, and for long: it is full, or its tasks hang.",
            Query(sum_by(series(WORKER_TASKS_ACTIVE.name), SERVICE, Label.HOSTNAME), "{{hostname}}"),
            _TO_SERVICE,
        ),
        Panel(
            kind="state-timeline",
            title="Workers",
            shows="When each worker answered scrapes.",
            then="a gap or red: the worker is gone; its log says why.",
            queries=(Query(min_by(series(WORKER_UP.name), SERVICE, Label.HOSTNAME), "{{hostname}}"),),
            links=(_TO_SERVICE, to_errors("${__field.labels.service}")),
            states={"0": ("down", RED), "1": ("up", GREEN)},
            unit="none",
        ),
    ),
)

ROWS: Final = (OUTCOMES, TIMES, QUEUES)
