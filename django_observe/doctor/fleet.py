"""The project's Celery app and its workers, asked by remote control, each time within a second or so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django_observe.doctor import timelimit
from django_observe.reporting import guard

if TYPE_CHECKING:
    from celery import Celery

Found = TypeVar("Found")

REPLY_SECONDS: Final = 1.5
BROKER_SECONDS: Final = 4.0
UNPARSED: Final = "its URL cannot be parsed; in a password / is %2F, # is %23, ? is %3F, @ is %40"
"""Said in place of what Python says, which quotes a piece of the password."""
AWAY: Final = "it is not running, or the app has another address or password than its workers"
_USUAL: Final = "amqp://"
"""What Celery takes a URL without a scheme for, and none."""
UNUSABLE: Final = "its address is wrong, or of a transport that is not installed here"


class FleetError(Exception):
    """The broker cannot be asked; the text says what happened, `cause` what that means."""

    def __init__(self, happened: str, cause: str) -> None:
        super().__init__(happened)
        self.cause = cause


@dataclass(frozen=True)
class Queue:
    """A queue, how messages get into it, and which workers consume it."""

    name: str
    exchange: str
    routing_key: str
    hosts: frozenset[str]


@dataclass(frozen=True)
class Fleet:
    """The workers of `app`."""

    app: Celery

    @property
    def broker(self) -> str:
        """One broker's address without credentials and query; also of a URL that nobody can parse.

        Of one with an `@` behind a `?` it is the scheme alone: that may be of a password in the query.
        """
        given: str | list[str] = self.app.conf.broker_write_url or _USUAL
        first = given if isinstance(given, str) else given[0]
        scheme, mark, rest = first.partition("://")
        before, _, after = (rest if mark else first).rpartition("@")
        place = "" if "?" in before else re.split("[;?]", after)[0]
        return f"{scheme}://{place}" if mark else place or _USUAL

    @property
    def is_given(self) -> bool:
        """Whether somebody has named a broker; Celery tries one of its own else."""
        return bool(self.app.conf.broker_write_url)

    def tasks(self) -> list[str]:
        """The project's own, as its workers would find them."""
        with guard("doctor"):
            self.app.loader.import_default_modules()
            return sorted(name for name in self.app.tasks if not name.startswith("celery."))
        return []

    @property
    def scheme(self) -> str:
        """What the broker's address begins with, such as redis."""
        return self.broker.partition(":")[0]

    def connect(self) -> bool:
        """Reaches the broker; False where that has no remote control. Raises FleetError."""
        from kombu.exceptions import OperationalError

        def reached() -> bool:
            with self.app.connection_for_write(connect_timeout=BROKER_SECONDS / 2) as connection:
                try:
                    connection.ensure_connection(
                        max_retries=1, interval_start=0, interval_step=0, interval_max=0
                    )
                except (*connection.connection_errors, *connection.channel_errors) as fault:
                    raise OperationalError(str(fault)) from fault
                return bool(connection.supports_exchange_type("fanout"))

        return _within(BROKER_SECONDS, reached)

    def registered(self) -> dict[str, list[str]]:
        """Names of tasks by worker, of those that answer. Raises FleetError."""
        answers = self._asked("registered")
        return {host: [str(name).partition(" ")[0] for name in names] for host, names in answers.items()}

    def queues(self) -> list[Queue]:
        """All that are consumed. Raises FleetError."""
        told: dict[str, dict[str, Any]] = {}
        hosts: dict[str, set[str]] = {}
        for host, queues in self._asked("active_queues").items():
            for queue in queues:
                told[queue["name"]] = queue
                hosts.setdefault(queue["name"], set()).add(host)
        return [
            Queue(
                name,
                (told[name].get("exchange") or {}).get("name", ""),
                told[name].get("routing_key", ""),
                frozenset(hosts[name]),
            )
            for name in sorted(told)
        ]

    def send(self, task: str, queue: Queue, expires: int) -> None:
        """Publishes a task; a queue that the app does not know is not declared anew. Raises FleetError."""
        way: dict[str, Any] = {"exchange": queue.exchange, "routing_key": queue.routing_key}
        if queue.name in self.app.amqp.queues:
            way = {"queue": queue.name}
        _within(BROKER_SECONDS, lambda: self.app.send_task(task, ignore_result=True, expires=expires, **way))

    def observed(self, command: str, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What `hosts` answer to a command of ours. Raises FleetError."""
        return {
            host: answer for host, answer in self._asked(command, hosts).items() if isinstance(answer, dict)
        }

    def running(self, hosts: Iterable[str]) -> dict[str, list[str]]:
        """Names of the tasks that are run now, by host that answers. Raises FleetError."""
        answers = self._asked("active", hosts)
        return {host: [str(run.get("name")) for run in runs] for host, runs in answers.items()}

    def _asked(self, command: str, hosts: Iterable[str] | None = None) -> dict[str, Any]:
        chosen = None if hosts is None else sorted(hosts)

        def replies() -> Any:
            return self.app.control.broadcast(
                command,
                destination=chosen,
                reply=True,
                timeout=REPLY_SECONDS,
                limit=len(chosen) if chosen else None,
            )

        answers: dict[str, Any] = {}
        for reply in _within(REPLY_SECONDS + BROKER_SECONDS, replies) or ():
            answers.update(reply if isinstance(reply, Mapping) else {})
        return {host: answer for host, answer in answers.items() if not _is_error(answer)}


def of_project() -> Fleet | None:
    """Those of the app that the project made; None where it made none."""
    from celery import current_app

    proxy: Any = current_app
    app = proxy._get_current_object()  # noqa: SLF001 - the proxy may stand for another one in a thread
    return None if app.main == "default" else Fleet(app)


def _is_error(answer: object) -> bool:
    return isinstance(answer, Mapping) and set(answer) == {"error"}


def _within(seconds: float, ask: Callable[[], Found]) -> Found:
    """What `ask` answers; a thread of its own, as not every transport has a timeout. Raises FleetError."""
    from kombu.exceptions import KombuError

    answers: list[Found] = []
    faults: list[Exception] = []

    def run() -> None:
        with guard("doctor"):
            try:
                answers.append(ask())
            except (KombuError, OSError, ImportError, ValueError, LookupError, AttributeError) as fault:
                faults.append(fault)

    thread = Thread(target=copy_context().run, args=(run,), name="observe-doctor-broker", daemon=True)
    thread.start()
    thread.join(timelimit.cut(seconds))
    if answers:
        return answers[0]
    timelimit.check()
    if not faults:
        happened = (
            f"no answer within {seconds:.0f} s" if thread.is_alive() else "it cannot be asked, see stderr"
        )
        raise FleetError(happened, AWAY)
    is_away = isinstance(faults[0], (KombuError, OSError))
    told = UNPARSED if isinstance(faults[0], ValueError) else f"{type(faults[0]).__name__}: {faults[0]}"
    raise FleetError(told, AWAY if is_away else UNUSABLE)
