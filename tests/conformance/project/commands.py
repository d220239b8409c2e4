"""Views that run management commands: in the request itself, and as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.conformance.project.carriers import outgoing


def called(request: HttpRequest) -> HttpResponse:
    """The command as a function."""
    call_command("tell", request.GET["key"])
    return HttpResponse("told")


def started(request: HttpRequest) -> HttpResponse:
    """The command as a process, by its environment; its lines go to the server's output."""
    carrier = {name.upper().replace("-", "_"): value for name, value in outgoing().items()}
    argv = [sys.executable, "-m", "tests.conformance.project.manage", "tell", request.GET["key"]]
    subprocess.run(argv, env={**os.environ, **carrier}, check=True)
    return HttpResponse("told")


urlpatterns = [path("called/", called), path("started/", started)]
