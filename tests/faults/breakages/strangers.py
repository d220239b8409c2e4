"""What could be told to whoever asks."""

from __future__ import annotations

from collections.abc import Callable


def _open_to_everybody() -> None:
    from django_observe import exposition

    exposition.allowed = lambda *_: True


def _trust_unix_sockets() -> None:
    from django_observe import exposition

    allowed = exposition.allowed
    exposition.allowed = lambda peer, headers: allowed(peer or "127.0.0.1", headers)


def _let_health_be_kept_and_posted_to() -> None:
    from django_observe import health

    vars(health).update(_NEVER_KEPT={}, _METHODS=("GET", "HEAD", "POST"))


def _ask_dependencies_for_everybody() -> None:
    from django_observe import health

    health.KEEP_SECONDS = 0.0


BREAKAGES: dict[str, Callable[[], None]] = {
    "whoever asks reads the metrics page": _open_to_everybody,
    "a Unix socket's peer is trusted": _trust_unix_sockets,
    "health may be kept, and posted to": _let_health_be_kept_and_posted_to,
    "whoever asks /readyz has dependencies asked": _ask_dependencies_for_everybody,
}
