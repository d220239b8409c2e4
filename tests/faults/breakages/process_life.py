"""What could go wrong as processes fork, are stopped, reloaded or killed."""

from __future__ import annotations

import signal
from collections.abc import Callable

from django_observe import abort, exits, inflight, interruption, killed
from django_observe.delivery import Pipeline


def _swallow_what_signal_handlers_raise() -> None:
    interruption.raised = lambda trace: False


def _share_pipelines_with_forked_children() -> None:
    renew = Pipeline.renew

    def at_first(self: Pipeline) -> None:
        if not hasattr(self, "_lock"):
            renew(self)

    Pipeline.renew = at_first  # type: ignore[method-assign]


def _end_pool_processes_without_a_word() -> None:
    from celery import signals

    from django_observe import celery

    ends = signals.worker_process_shutdown
    celery._RECEIVERS = tuple(  # type: ignore[assignment]
        pair for pair in celery._RECEIVERS if pair[0] is not ends
    )


def _miss_what_killed_processes_had() -> None:
    killed.undelivered = lambda counters: {}


def _forget_requests_in_flight() -> None:
    inflight.give_up_all = lambda *_: None


def _hear_sigabrt_in_the_main_thread_only() -> None:
    abort._watch = lambda: None


def _end_when_all_is_delivered() -> None:
    from django_observe import export

    export.exit_seconds = lambda: 5.0


def _take_sigterm_from_the_application() -> None:
    def replace_any() -> None:
        signal.signal(signal.SIGTERM, exits._on_sigterm)

    exits._handle_sigterm = replace_any


def _reload_as_slowly_as_others_end() -> None:
    from django_observe import export

    export.RESTART_SECONDS = 5.0


def _end_without_a_word() -> None:
    from django_observe import export

    export.shutdown = export.flush_before_exit = lambda timeout=None: True


def _close_when_told_to_end() -> None:
    from django_observe import export

    vars(export)["hasten"] = export.shutdown


BREAKAGES: dict[str, Callable[[], None]] = {
    "an exception of a signal handler is swallowed": _swallow_what_signal_handlers_raise,
    "a forked child shares its parent's pipelines": _share_pipelines_with_forked_children,
    "a process of Celery's pool ends without delivering": _end_pool_processes_without_a_word,
    "what a killed process had queued is not counted": _miss_what_killed_processes_had,
    "requests that --timeout kills are not told": _forget_requests_in_flight,
    "only the main thread hears SIGABRT": _hear_sigabrt_in_the_main_thread_only,
    "the end of a process waits for its receiver": _end_when_all_is_delivered,
    "a handler of SIGTERM of the application's own is replaced": _take_sigterm_from_the_application,
    "a reload waits for the receiver as long as other ends do": _reload_as_slowly_as_others_end,
    "the end of a process delivers nothing": _end_without_a_word,
    "a Celery worker that is told to end delivers no more": _close_when_told_to_end,
}
