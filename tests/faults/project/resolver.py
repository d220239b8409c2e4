"""A name service that can be switched off: while the file FAULTS_NO_NAMES exists, nobody knows localhost."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

NAME = "localhost"


def install() -> None:
    """Only where the variable names a file."""
    named = os.environ.get("FAULTS_NO_NAMES")
    if not named:
        return
    switch, asked = Path(named), socket.getaddrinfo

    def answered(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host == NAME and switch.exists():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return asked(host, *args, **kwargs)

    socket.getaddrinfo = answered
