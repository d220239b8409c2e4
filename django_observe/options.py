"""What `DJANGO_OBSERVE` may hold: one frozen dataclass, each key with default, parser and meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django_observe import parsing
from django_observe.parsing import Networks
from django_observe.vocabulary import Header

PRIVATE_NETWORKS: Networks = parsing.networks(
    (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Loopback (RFC 1122, 4291), private (RFC 1918, 4193), shared (RFC 6598) and link-local ranges."""


def _setting(default: Any, parse: parsing.Parser[Any], doc: str) -> Any:
    return field(default=default, metadata={"parse": parse, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `DJANGO_OBSERVE` may hold, in lower case; each key's `doc` is what the reference prints."""

    service_name: str = _setting("", parsing.text_or_empty, "Name of this service. OTEL_SERVICE_NAME wins.")
    environment: str = _setting(
        "", parsing.text_or_empty, "Deployment environment. Empty: development with DEBUG, else production."
    )
    version: str = _setting(
        "", parsing.text_or_empty, "Version of this service, such as a release or commit."
    )
    logs: bool | str = _setting(True, parsing.switch, "Log reporter: on, off, or a dotted path in its place.")
    metrics: bool | str = _setting(True, parsing.switch, "Metrics reporter: on, off, or a dotted path.")
    traces: bool | str = _setting(True, parsing.switch, "Trace reporter: on, off, or a dotted path.")
    celery: bool = _setting(
        True, parsing.boolean, "Whether Celery tasks are observed, where Celery is installed."
    )
    background_tasks: bool = _setting(
        True,
        parsing.boolean,
        "Whether Django's own background tasks (django.tasks, or its backport django-tasks) are observed.",
    )
    channels: bool = _setting(
        True, parsing.boolean, "Whether the consumers of Channels are observed, where it is installed."
    )
    task_trace: str | tuple[tuple[str, str], ...] = _setting(
        "child",
        parsing.task_trace,
        "What a run's span is to its publisher's: 'child', 'link' (a trace of its own, linked) or 'new' (not "
        "linked). Or a dict of tasks' names and patterns to these.",
    )
    commands_without_id: tuple[str, ...] = _setting(
        (
            *("test", "runserver*", "*server", "*uvicorn", "*gunicorn", "*daphne", "*shell", "shell_*"),
            *("*worker", "rqworker*", "*consumer", "consume_*", "listen", "listen_*", "*listener", "run*bot"),
            *("*scheduler", "qcluster", "rundramatiq", "run_huey", "djangohuey", "process_tasks"),
            "procrastinate",
        ),
        parsing.texts,
        "Management commands, by name or pattern, that serve, or run others' work, until they are stopped: "
        "they have no ID and no span of their own.",
    )
    log_format: str = _setting(
        "auto",
        parsing.choice("auto", "json", "console"),
        "auto: console on a terminal with DEBUG, else json. Set on purpose, tests print request lines too.",
    )
    log_level: str = _setting(
        "INFO",
        parsing.choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
        "Level of the root logger, where the project has no LOGGING of its own.",
    )
    correlation_header: str | None = _setting(
        Header.CORRELATION_ID, parsing.header_or_none, "Response and outbound header; None sends none back."
    )
    correlation_headers: tuple[str, ...] = _setting(
        (Header.CORRELATION_ID, Header.REQUEST_ID),
        parsing.header_names,
        "Request headers read, in this order.",
    )
    trusted_peers: Networks = _setting(  # noqa: RUF009 - it is a dataclass field
        PRIVATE_NETWORKS, parsing.networks, "Direct peers whose ID and trace are continued."
    )
    propagate_to: tuple[str, ...] = _setting(
        ("<private>", "<single-label>", "*.internal", "*.svc", "*.svc.cluster.local", "*.local"),
        parsing.host_patterns,
        "Hosts that get the ID and the trace. <private>: private addresses; <single-label>: no dot.",
    )
    metrics_path: str | None = _setting(
        "/metrics", parsing.path_or_none, "Path of the metrics page, or None."
    )
    metrics_allow: Networks = _setting(  # noqa: RUF009 - it is a dataclass field
        PRIVATE_NETWORKS, parsing.networks, "Direct peers that may read the metrics page."
    )
    metrics_token: str | None = _setting(
        None, parsing.text_or_none, "Bearer token that may read the metrics page."
    )
    metrics_migrations: bool = _setting(
        True,
        parsing.boolean,
        "Whether scrapes ask each database, once a minute at most, which migrations it has had. Off where "
        "migrations are many, or a database is not to be asked.",
    )
    live_path: str | None = _setting(
        "/healthz", parsing.path_or_none, "Path of the liveness answer, or None."
    )
    ready_path: str | None = _setting(
        "/readyz", parsing.path_or_none, "Path of the readiness answer, or None."
    )
    ready_timeout: float = _setting(2.0, parsing.seconds, "Seconds each readiness check may take.")
    ready_checks: tuple[str, ...] | None = _setting(
        None,
        parsing.dotted_paths_or_none,
        "Dotted paths of more readiness checks: callables that raise when not ready.",
    )
    quiet_paths: tuple[str, ...] = _setting(
        (), parsing.paths, "Path prefixes that are logged and traced only when they fail."
    )
    worker_metrics_port: int | None = _setting(
        9808,
        parsing.port_or_none,
        "Port of a worker's metrics page (Celery's, or manage.py db_worker), or None. "
        "OBSERVE_WORKER_METRICS_PORT wins, unless it is empty; there 0 is off.",
    )
    worker_metrics_host: str = _setting(
        "127.0.0.1",
        parsing.text,
        "Address the worker's metrics page listens on. OBSERVE_WORKER_METRICS_HOST wins.",
    )
    scrub_keys: tuple[str, ...] = _setting(
        (), parsing.texts, "More key names whose values are masked everywhere."
    )
    scrub_patterns: tuple[re.Pattern[str], ...] = _setting(
        (),
        parsing.expressions,
        "Regular expressions of what else is masked, in texts of 32,768 characters at most: the first group "
        "((?:...) is none), or the match. One that backtracks without end stalls the service.",
    )
    user_id: str = _setting(
        "none",
        parsing.choice("none", "id", "hash"),
        "Whether lines say which user made a request: not at all, by primary key, or by a hash of it that "
        "only the SECRET_KEY can make.",
    )
    client_ip: str = _setting(
        "network",
        parsing.choice("none", "network", "address"),
        "How much of a client's address is told: nothing, its network (/24, IPv6 /48), or all of it.",
    )
    user_agent: bool = _setting(False, parsing.boolean, "Whether spans have the User-Agent of the client.")
    path_parameters: tuple[str, ...] = _setting(
        (),
        parsing.patterns("slug", "*_slug"),
        "Path parameters, by name or pattern, whose values are told though they are neither numbers nor "
        "UUIDs; ['*']: paths are told whole.",
    )
    query_parameters: tuple[str, ...] = _setting(
        (),
        parsing.patterns("page", "utm_*"),
        "Parameters of query strings, by name or pattern, whose values are told, unless they look like "
        "an address, a URL or a credential; of others the name is.",
    )
    flush_timeout: float = _setting(
        2.0,
        parsing.seconds,
        "Seconds the exit of a process may wait for delivery; under autoreload 1 s at most.",
    )

    backends: tuple[tuple[str, str], ...] = _setting(
        (),
        parsing.backends,
        "URLs of 'console', 'jaeger', 'loki', 'prometheus' and 'grafana', as a dict, for manage.py observe. "
        "Of one that is not given, its usual port on this machine is tried where the OTLP endpoint is on it, "
        "or not set.",
    )

    debug: bool = False
    """Django's DEBUG."""
    service_name_found: str = "default"
    """Where the service name came from: environment, setting or default."""
    trusted_peers_given: bool = False
    """Whether TRUSTED_PEERS was set on purpose."""
    metrics_allow_given: bool = False
    """Whether METRICS_ALLOW was."""
