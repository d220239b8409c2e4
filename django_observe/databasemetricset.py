"""The metric families about databases and models; imports neither Django nor prometheus_client.

They are django-prometheus' own, in the spelling in which it registers them.
"""

from __future__ import annotations

from typing import Final

from django_observe.vocabulary import LATENCY_BUCKETS, Label, Metric

_DATABASE = (Label.ALIAS, Label.VENDOR)
DB_NEW_CONNECTIONS: Final = Metric(
    "django_db_new_connections_total",
    "counter",
    "Counter of created connections by database and by vendor.",
    _DATABASE,
)
DB_NEW_CONNECTION_ERRORS: Final = Metric(
    "django_db_new_connection_errors_total",
    "counter",
    "Counter of connection failures by database and by vendor.",
    _DATABASE,
)
DB_EXECUTE: Final = Metric(
    "django_db_execute_total",
    "counter",
    "Counter of executed statements by database and by vendor, including bulk executions.",
    _DATABASE,
)
DB_EXECUTE_MANY: Final = Metric(
    "django_db_execute_many_total",
    "counter",
    "Counter of executed statements in bulk operations by database and by vendor.",
    _DATABASE,
)
DB_ERRORS: Final = Metric(
    "django_db_errors_total",
    "counter",
    "Counter of execution errors by database, vendor and exception type.",
    (*_DATABASE, Label.TYPE),
)
DB_QUERY_DURATION: Final = Metric(
    "django_db_query_duration_seconds",
    "histogram",
    "Histogram of query duration by database and vendor.",
    _DATABASE,
    LATENCY_BUCKETS,
)
MODEL_INSERTS: Final = Metric(
    "django_model_inserts_total", "counter", "Number of insert operations by model.", (Label.MODEL,)
)
MODEL_UPDATES: Final = Metric(
    "django_model_updates_total", "counter", "Number of update operations by model.", (Label.MODEL,)
)
MODEL_DELETES: Final = Metric(
    "django_model_deletes_total", "counter", "Number of delete operations by model.", (Label.MODEL,)
)
MIGRATIONS_APPLIED: Final = Metric(
    "django_migrations_applied_total",
    "gauge",
    "Count of applied migrations by database.",
    (Label.CONNECTION,),
)
MIGRATIONS_UNAPPLIED: Final = Metric(
    "django_migrations_unapplied_total",
    "gauge",
    "Count of unapplied migrations by database.",
    (Label.CONNECTION,),
)
