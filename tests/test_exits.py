"""Whose SIGTERM is left alone."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.processes import missing

IN_C = """
import ctypes, signal
from django_observe import exits

def default():
    return signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

if {in_c}:
    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: None)
    libc = ctypes.CDLL(None)
    libc.signal.restype = ctypes.c_void_p
    libc.signal(int(signal.SIGTERM), handler)
print(default())
exits.hook()
print(default())
"""


def lines(*, in_c: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", IN_C.format(in_c=in_c)], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_handler_in_c_that_python_does_not_know_of_is_left_alone() -> None:
    assert lines(in_c=False) == ["True", "False"], "taken where nobody handles it"
    assert lines(in_c=True) == ["True", "True"], "a server's around this interpreter, as uWSGI's"


IN_WAITRESS = """
import os, signal, threading, urllib.request
from waitress import create_server
from django_observe import exits

def own(*_):
    print("own", flush=True)
    raise SystemExit

def application(environ, start_response):
    os.kill(os.getpid(), signal.SIGTERM)
    start_response("204 No Content", [])
    return []

exits.prepare(lambda: print("last word"), list)
if {handled}:
    signal.signal(signal.SIGTERM, own)
server = create_server(application, listen="127.0.0.1:0")
url = f"http://127.0.0.1:{{server.effective_port}}"
threading.Thread(target=urllib.request.urlopen, args=[url], daemon=True).start()
server.run()
"""


@pytest.mark.parametrize(
    ("handled", "said", "status"),
    [(True, ["own", "last word"], 0), (False, ["last word"], -signal.SIGTERM)],
    ids=["the application's", "nobody's"],
)
def test_under_waitress_sigterm_is_ours_only_where_it_was_nobodys(
    handled: bool, said: list[str], status: int
) -> None:
    if find_spec("waitress") is None:
        missing("waitress is not installed (pip install waitress)")
    program = IN_WAITRESS.format(handled=handled)
    done = subprocess.run(
        [sys.executable, "-u", "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout.splitlines(), done.returncode) == (said, status)
