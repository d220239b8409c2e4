"""Workers that their server starts anew: the directory of their metrics is found by who started them."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from django_observe import siblings
from tests.processes import missing
from tests.test_multiprocess import python

JOINS = """
import subprocess
server = subprocess.Popen(["sleep", "60"])
base = multiprocess._base()

def join(parent=server.pid):
    made = multiprocess.join(parent)
    print(made and made == multiprocess.directory(), multiprocess.failed, end=" ")
    return made

def count():
    made = join()
    call()
    print(sorted(archive.pids(made)) == [os.getpid()], sample(COUNT))

def told_in_child(work):
    in_child(lambda: (work(), sys.stdout.flush()))
"""


def joins(program: str, base: Path) -> list[str]:
    """What `program` says, of one server and its workers."""
    ended = "\nserver.kill()\nserver.wait()\n"
    return python(f"{JOINS}{program}{ended}", OBSERVE_METRICS_DIR=str(base))


TOGETHER = """
told_in_child(count)
told_in_child(count)
[made] = base.iterdir()
print(oct(made.stat().st_mode & 0o777), flush=True)
os.utime(made, (0, 0))
in_child(multiprocess.prepare)  # another service's start
told_in_child(count)
"""


def test_siblings_count_together_in_one_private_directory_however_long_the_next_takes(tmp_path: Path) -> None:
    """A single worker of Granian, say, that its server replaces: for a moment there is none.

    Of those that have ended no files are left, also where nobody scrapes.
    """
    one, two, mode, three = joins(TOGETHER, tmp_path)
    assert mode == "0o700"
    assert [one, two, three] == [f"True False True {count}.0" for count in (1, 2, 3)]


PARENTS = """
told_in_child(lambda: print(join()))
told_in_child(lambda: print(join(1)))
with open(f"/proc/{os.getpid()}/comm", "wb") as name:
    name.write(b"gunic\\xc3")  # the kernel cuts names of processes at 15 bytes
me = os.getpid()
told_in_child(lambda: print(join(me)))
told_in_child(lambda: print(join(2**22 + 1)))
"""


def test_each_parent_has_its_own_whatever_its_name_and_one_that_is_gone_none(tmp_path: Path) -> None:
    *found, gone = joins(PARENTS, tmp_path)
    assert sorted(line.split()[2] for line in found) == sorted(map(str, tmp_path.iterdir()))
    assert len(set(found)) == 3
    assert gone == "None False None"


ENDED = """
in_child(lambda: multiprocess.join(server.pid))
[made] = base.iterdir()
os.utime(made, (0, 0))
server.kill()
server.wait()
in_child(multiprocess.prepare)
print(made.exists())
"""


def test_the_directory_goes_once_siblings_and_parent_have_ended(tmp_path: Path) -> None:
    assert joins(ENDED, tmp_path) == ["False"]


REFUSED = """
made = base / multiprocess._named_after(server.pid)
elsewhere = base / "elsewhere"
elsewhere.mkdir()
made.symlink_to(elsewhere)
told_in_child(lambda: print(join(), list(elsewhere.iterdir())))
made.unlink()
os.environ["OBSERVE_METRICS_DIR"] = "/dev/null/metrics"
told_in_child(lambda: print(join()))
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(base / "own")
told_in_child(lambda: print(join()))
"""


def test_a_link_that_somebody_has_put_there_is_not_followed_and_nothing_stops_the_start(
    tmp_path: Path,
) -> None:
    """The last is the directory that the user has set; it wins."""
    link, unwritable, own = joins(REFUSED, tmp_path)
    assert link == "None True None []"
    assert unwritable == "None True None"
    assert own == f"True False {tmp_path / 'own'}"


FOREIGN = """
made = base / multiprocess._named_after(server.pid)
made.mkdir(mode=0o777)
os.chown(made, 65534, 65534)
print(join(), list(made.iterdir()))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory to somebody else")
def test_the_directory_of_another_user_is_not_taken(tmp_path: Path) -> None:
    assert joins(FOREIGN, tmp_path) == ["None True None []"]


LAUNCHED = """
import multiprocessing, uvicorn
from types import SimpleNamespace as Given
from uvicorn._subprocess import subprocess_started
from django_observe import siblings

def tell():
    shared = siblings.share_metrics() is not None
    print(siblings.server(), siblings.may_be_several(), shared, flush=True)

async def application(scope, receive, send):
    tell()
    await send({"type": "lifespan.startup.failed"})  # which ends uvicorn

def launch(target, /, **given):
    child = multiprocessing.get_context("fork").Process(target=target, kwargs=given)
    child.start()
    child.join()

tell()
launch(tell)
launch(uvicorn.run, app=application, log_level="critical", lifespan="on")
for workers in (1, 2):
    config = Given(workers=workers, configure_logging=list)
    launch(subprocess_started, config=config, target=lambda sockets: tell(), sockets=[], stdin_fileno=None)
"""


def test_services_that_one_program_starts_are_no_siblings_workers_of_a_server_are(tmp_path: Path) -> None:
    """`uvicorn.run` in processes of one's own: each may be another service, or have a port of its own."""
    alone, other, launched, single, worker = python(LAUNCHED, OBSERVE_METRICS_DIR=str(tmp_path))
    assert alone == "None False False"
    assert [other, launched] == ["None True False"] * 2
    assert [single, worker] == ["uvicorn False False", "uvicorn True True"]


@pytest.mark.parametrize("name", sorted(set(siblings._WORKERS) - {"hypercorn.trio.run"}))
def test_the_module_that_workers_run_is_where_it_is_looked_for(name: str) -> None:
    server = name.split(".", maxsplit=1)[0]
    if find_spec(server) is None:
        missing(f"{server} is not installed (pip install {server})")
    assert find_spec(name)
