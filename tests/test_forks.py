"""What forked children make anew, and what the first of them goes on with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import ctypes, json, os, sys
from django_observe import forks

libc = ctypes.PyDLL(None)  # a fork that Python does not hear of, as those of a server in C
renewed = []
forks.in_child(lambda: renewed.append("first"))
forks.in_child(lambda: renewed.append("second"))
if {bequeath}:
    forks.bequeath()
told = []
for fork in {forks}:
    read, write = os.pipe()
    if (os.fork if fork == "python" else libc.fork)() == 0:
        before = list(renewed)
        forks.renew()
        forks.renew()
        os.write(write, json.dumps([before, renewed, forks.has_heirs()]).encode())
        os._exit(0)
    os.close(write)
    told.append(json.loads(os.read(read, 1000)))
    os.wait()
forks.renew()
print(json.dumps([told, renewed, forks.has_heirs()]))
"""
BOTH = ["first", "second"]


def run(*forks: str, bequeath: bool = False) -> object:
    program = PROGRAM.format(forks=list(forks), bequeath=bequeath)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_child_renews_once_in_order_and_its_parent_never() -> None:
    assert run("python") == [[[BOTH, BOTH, False]], [], False]


def test_past_python_it_renews_when_it_is_told() -> None:
    assert run("c", "c") == [[[[], BOTH, False]] * 2, [], False]


def test_of_one_that_bequeaths_the_first_child_goes_on_and_the_others_renew() -> None:
    heir, other = [[], [], False], [[], BOTH, False]
    assert run("c", "c", "c", bequeath=True) == [[heir, other, other], [], True]
    assert run("python", "c", bequeath=True) == [[heir, other], [], True]


RAISES = """
import os
from django_observe import forks

def raises():
    raise OSError("of a renewal")

forks.in_child(lambda: os.write(1, b"first "))
forks.in_child(raises)
forks.in_child(lambda: os.write(1, b"second"))
if os.fork() == 0:
    os._exit(0)
os.wait()
"""


def test_a_renewal_that_raises_keeps_none_of_the_others_and_is_told() -> None:
    done = subprocess.run([sys.executable, "-c", RAISES], capture_output=True, text=True, check=True)
    assert done.stdout == "first second"
    assert "OSError: of a renewal" in done.stderr


IMPORTED_MEANWHILE = """
import os, signal, sys, threading
import django_observe
from django_observe import forks
from tests.processes import wait_until

django_observe.__path__.append(sys.argv[1])
thread = threading.Thread(target=lambda: __import__("django_observe.slow"))
thread.start()
wait_until(lambda: "django_observe.slow" in sys.modules, "the import to begin")
pid = os.fork()
if not pid:
    signal.alarm(10)
    import django_observe.slow
    os._exit(0)
print(os.waitpid(pid, 0)[1])
thread.join()
"""


def test_a_child_waits_for_no_import_that_another_thread_of_its_parent_had_begun(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(0.3)\n")
    program = [sys.executable, "-c", IMPORTED_MEANWHILE, str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "0\n", done.stderr
