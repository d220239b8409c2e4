"""The directory through which several worker processes share their metrics: made, found, swept and removed.

Needs neither Django's settings nor, at import, prometheus_client: a pre-fork master runs it before either is
there. PROMETHEUS_MULTIPROC_DIR is prometheus_client's own variable and the only thing that tells workers
where to write.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django_observe import archive, conf
from django_observe.reporting import guard

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
BASE_VARIABLE: Final = "OBSERVE_METRICS_DIR"
PREFIX: Final = "django-observe-metrics-"
STARTING_SECONDS: Final = 60
"""A directory this young may belong to a process that has made it and not yet claimed it."""

failed = False
"""Whether several processes were to share a directory and none could be made."""

_own: dict[str, int] = {}
_switched: list[Callable[[], None]] = []


def directory() -> Path | None:
    """Where the processes of this service write their metrics; None when this one is alone."""
    path = conf.environment(VARIABLE)
    return Path(path) if path else None


def prepare() -> Path | None:
    """Makes sure that processes forked from here share their metrics; call it before the first fork.

    Honours a directory that the user has set. Else makes a fresh private one (mode 0700) under
    OBSERVE_METRICS_DIR or the system's temporary directory, and removes those whose processes have all ended.
    Values that exist already, in whatever collector, are carried over.
    When none can be made, says so on stderr and returns None: each process then shows its own numbers.
    """
    global failed
    try:
        found, failed = _given() or _made(), False
    except OSError as error:
        _go_alone()
        failed = True
        sys.stderr.write(
            f"django_observe: no directory for the metrics of several processes ({error}): a scrape shows "
            f"one process only. Set {BASE_VARIABLE} to a directory that can be written.\n"
        )
        return None
    return found


def _given() -> Path | None:
    found = directory()
    if found is not None:
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=found).close()  # an OSError now, where nothing can be written
    return found


def _made() -> Path:
    base = Path(conf.environment(BASE_VARIABLE) or tempfile.gettempdir())
    base.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(base)
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
    _own[str(made)] = _claimed(made)
    conf.set_environment(VARIABLE, str(made))
    atexit.register(_remove_at_exit, os.getpid())
    with guard("multiprocess"):
        _switch_values()
    return made


def remove() -> None:
    """Removes the directory that `prepare` made; for the process that made it, at its end."""
    for path, descriptor in _own.items():
        if conf.environment(VARIABLE) == path:
            conf.set_environment(VARIABLE, None)
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)
    _own.clear()


def bury(pid: int) -> None:
    """Moves the numbers of a process that has ended into the archive: totals stay, its files go."""
    path = directory()
    if path is not None:
        archive.bury(path, {pid, *(_dead(path) if str(path) in _own else ())})


def sweep() -> None:
    """Buries every process that has ended, in a directory of our own: there all pids are this machine's."""
    path = directory()
    if path is not None and str(path) in _own and (dead := _dead(path)):
        archive.bury(path, dead)


def families(path: Path) -> list[Metric]:
    """The metric families of every process, living and ended; files that are damaged or gone are left out."""
    from prometheus_client.multiprocess import MultiProcessCollector

    with guard("multiprocess"):
        sweep()
        with archive.locked(path, alone=False):
            names = [str(file) for file in path.glob("*.db")]
            with guard("multiprocess"):
                return list(MultiProcessCollector.merge(names))  # type: ignore[no-untyped-call]
            names = [name for name in names if archive.readable(Path(name))]
            return list(MultiProcessCollector.merge(names))  # type: ignore[no-untyped-call]
    return []


def on_switch(callback: Callable[[], None]) -> None:
    """Calls `callback` after values were switched to shared ones: bound children are to be bound anew."""
    if callback not in _switched:
        _switched.append(callback)


def _dead(path: Path) -> set[int]:
    return {pid for pid in archive.pids(path) if not _alive(pid)}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _claimed(path: Path) -> int:
    """Locks the directory for the life of this process and its children.

    The lock tells a later start that it is in use, and systemd-tmpfiles(8) not to clean it by age.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(base: Path) -> None:
    """Removes what a killed master left: directories of ours that no living process holds."""
    for path in base.glob(f"{PREFIX}*"):
        with suppress(OSError):
            facts = path.lstat()
            if facts.st_uid != os.getuid() or time.time() - facts.st_mtime < STARTING_SECONDS:
                continue
            descriptor = _claimed(path)
            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)


def _remove_at_exit(maker: int) -> None:
    if os.getpid() == maker:
        remove()


def _switch_values() -> None:
    """Makes values shared where prometheus_client was imported before the variable was set."""
    if "prometheus_client" not in sys.modules:
        return
    from prometheus_client import REGISTRY, values
    from prometheus_client.metrics import MetricWrapperBase

    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    for collector in list(REGISTRY._collector_to_names):  # noqa: SLF001 - no public way to walk them
        if isinstance(collector, MetricWrapperBase):
            for leaf in _leaves(collector):
                _carry_over(leaf)
    for callback in _switched:
        callback()


def _go_alone() -> None:
    """Makes values those of one process, whatever prometheus_client found when it was imported."""
    conf.set_environment(VARIABLE, None)
    values = sys.modules.get("prometheus_client.values")
    if values is not None:
        values.ValueClass = values.MutexValue  # type: ignore[attr-defined]


def _leaves(collector: Any) -> list[Any]:
    return list(collector._metrics.values()) if collector._is_parent() else [collector]  # noqa: SLF001


def _carry_over(leaf: Any) -> None:
    before = _values(leaf)
    leaf._metric_init()  # noqa: SLF001 - makes the leaf's values, now of the shared class
    for old, new in zip(before, _values(leaf), strict=True):
        if old.get():
            new.set(old.get())


def _values(leaf: Any) -> list[Any]:
    single = (getattr(leaf, name, None) for name in ("_value", "_sum", "_count"))
    found = [*single, *getattr(leaf, "_buckets", ())]
    return [value for value in found if hasattr(value, "set") and hasattr(value, "get")]
