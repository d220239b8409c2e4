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
from typing import TYPE_CHECKING, Final

from django_observe import conf, sharedvalues
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
    return _shared_by(lambda: _given() or _made())


def _shared_by(find: Callable[[], Path]) -> Path | None:
    global failed
    from django_observe import archive  # noqa: F401 - imported once, for all that are forked from here

    try:
        found, failed = find(), False
    except OSError as error:
        stay_alone()
        failed = True
        sys.stderr.write(
            f"django_observe: no directory for the metrics of several processes ({error}): a scrape shows "
            f"one process only. Set {BASE_VARIABLE} to a directory that can be written.\n"
        )
        return None
    return found


def stay_alone() -> None:
    """Has this process keep its numbers in memory, whatever directory is set."""
    conf.set_environment(VARIABLE, None)
    sharedvalues.go_alone()


def join(parent: int) -> Path | None:
    """As `prepare`, for the workers of a server that loads the project in each of them.

    All of those that the process `parent` starts, now or later, find the directory by that process: the first
    makes it. None also where the system does not tell when a process began.
    """
    name = _named_after(parent)
    if name is None:
        return None
    given = directory()
    if given is not None and given.name != name:
        return prepare()  # the user's
    found = _shared_by(lambda: _joined(name))
    with guard("multiprocess"):
        sweep()  # the process that this one replaces, also where nobody scrapes
    return found


def _given() -> Path | None:
    found = directory()
    if found is not None:
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=found).close()  # an OSError now, where nothing can be written
    return found


def _made() -> Path:
    base = _base()
    _remove_abandoned(base)
    made = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
    _adopt(made, _claimed(made))
    atexit.register(_remove_at_exit, os.getpid())
    return made


def _joined(name: str) -> Path:
    """Makes the directory, or finds that of a sibling; nobody removes it while a sibling or the parent lives.

    Raises:
        OSError: when it cannot be made, or is another user's.
    """
    path = _base() / name
    if str(path) not in _own:
        _remove_abandoned(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        _adopt(path, _claimed(path, fcntl.LOCK_SH))
    return path


def _adopt(path: Path, claim: int) -> None:
    _own[str(path)] = claim
    conf.set_environment(VARIABLE, str(path))
    with guard("multiprocess"):
        sharedvalues.switch()


def _base() -> Path:
    base = Path(conf.environment(BASE_VARIABLE) or tempfile.gettempdir())
    base.mkdir(parents=True, exist_ok=True)
    return base


def _named_after(pid: int | str) -> str | None:
    """A directory's name that no other process than `pid` gives; None where that has ended, or is unknown.

    The tick it began at (proc_pid_stat(5)) tells it from a later one, and its namespace (pid_namespaces(7))
    from that of another container.
    """
    with suppress(OSError, IndexError):  # not Linux, or it has ended
        began = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
        return f"{PREFIX}{pid}-{began}-{Path('/proc/self/ns/pid').stat().st_ino}"
    return None


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
        from django_observe import archive  # only where it is used: saves 12 M of `check`'s 152 M over bare

        archive.bury(path, {pid, *(_dead(path) if str(path) in _own else ())})


def sweep() -> None:
    """Buries every process that has ended, in a directory of our own: there all pids are this machine's."""
    path = directory()
    if path is not None and str(path) in _own and (dead := _dead(path)):
        from django_observe import archive

        archive.bury(path, dead)


def families(path: Path) -> list[Metric]:
    """The metric families of every process, living and ended; of damaged files what they still say."""
    from django_observe import archive, valuefiles

    with guard("multiprocess"):
        sweep()
        archive.recover(path)
        with archive.locked(path, alone=False):
            return valuefiles.families(path, archive.buried(path))
    return []


def _dead(path: Path) -> set[int]:
    from django_observe import archive

    return {pid for pid in archive.pids(path) if not _alive(pid)}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _claimed(path: Path, kind: int = fcntl.LOCK_EX) -> int:
    """Locks the directory for the life of this process and its children.

    The lock tells a later start that it is in use, and systemd-tmpfiles(8) not to clean it by age.

    Raises:
        OSError: when it is in use, no directory but a link, or another user's.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid != os.getuid():
            raise PermissionError(f"{path} is another user's")
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(base: Path) -> None:
    """Removes what a killed master left: directories of ours that no living process holds or may join."""
    for path in base.glob(f"{PREFIX}*"):
        with suppress(OSError):
            parent = path.name.removeprefix(PREFIX).partition("-")[0]
            is_young = time.time() - path.lstat().st_mtime < STARTING_SECONDS
            if is_young or path.name == _named_after(parent):
                continue
            descriptor = _claimed(path)
            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)


def _remove_at_exit(maker: int) -> None:
    if os.getpid() == maker:
        remove()
