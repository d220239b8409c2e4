"""How the workers of each server share their metrics: what docs/how-to/serve.md and serve-uwsgi.md say."""

from __future__ import annotations

from typing import Final

_GUNICORN: Final = "gunicorn -c python:django_observe.gunicorn ..."
_UWSGI: Final = "master = true    # in uWSGI's configuration"
_OTHERS: Final = (
    "OBSERVE_METRICS_DIR=/run/metrics    # one that all workers can write\n"
    "or, elsewhere than on Linux, or where a program of yours starts them: "
    "PROMETHEUS_MULTIPROC_DIR=/run/metrics    # one for all workers, empty at the start"
)


def change(server: str) -> str:
    """The line for the server of this Server header; uWSGI has none, and a proxy hides that of others."""
    name = server.lower()
    if name.startswith("gunicorn"):
        return _GUNICORN
    if name.startswith("uvicorn"):
        return f"{_OTHERS}\nor, where gunicorn runs uvicorn's workers: {_GUNICORN}"
    if name.startswith(("hypercorn", "granian")):
        return _OTHERS
    return f"gunicorn: {_GUNICORN}\nuWSGI: {_UWSGI}\nothers: {_OTHERS}" if name else _UWSGI
