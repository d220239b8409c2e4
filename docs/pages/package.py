"""Pages of what the package has: settings, metrics."""

from __future__ import annotations

from typing import Any

from django_observe import conf, metricset
from docs.pages.table import code, page, prose, table


def settings() -> str:
    """Every key of DJANGO_OBSERVE with its default."""
    rows = [
        (f"`{key}`", _default(entry.default), prose(entry.metadata["doc"]))
        for key, entry in conf.keys().items()
    ]
    return page(
        "Settings",
        "`DJANGO_OBSERVE` in the project's settings is a dict that holds what differs from these defaults. "
        "A fault in it stops the start, and every fault is reported at once. The words of LOG_FORMAT, "
        "LOG_LEVEL, USER_ID and CLIENT_IP are taken in any case. OpenTelemetry's own variables "
        "(`OTEL_*`) are honoured as its specification has them and win over the settings.",
        table(("Key", "Default", "Meaning"), rows),
    )


def _default(value: Any) -> str:
    """A default as a project would write it."""
    if value == conf.keys()["TRUSTED_PEERS"].default:
        return "loopback, private and link-local networks"
    return code(value) if isinstance(value, tuple) else f"`{value!r}`"


def metrics() -> str:
    """Every metric family with its labels."""
    families = sorted(metricset.ALL_FAMILIES, key=lambda family: family.name)
    rows = [
        (
            f"`{family.total if family.kind == 'counter' else family.name}`",
            family.kind,
            code(family.labels),
            family.help,
        )
        for family in families
    ]
    return page(
        "Metrics",
        "What `/metrics` and a Celery worker's own port expose. Counters are listed as the sample one "
        "queries, histograms come as `_bucket`, `_count` and `_sum`. "
        "Renaming one, or a label, is a breaking change.",
        table(("Family", "Kind", "Labels", "Meaning"), rows),
    )
