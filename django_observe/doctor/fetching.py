"""One GET within so many seconds, of a server that may do anything."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from threading import Event, Timer
from typing import Final
from urllib.parse import SplitResult

from django_observe.doctor import timelimit

MAX_BYTES: Final = 16 * 1024 * 1024
_HANGS: Final = "it hangs, or is overloaded"
_RESTART: Final = "restart what listens there, or give it more workers; its log says what it waits for"


class FetchError(Exception):
    """There is no whole answer; the text says what happened, `cause` what that means.

    `change` is the line to change where that is another than the address.
    """

    def __init__(self, happened: str, cause: str, change: str = "") -> None:
        super().__init__(happened)
        self.cause, self.change = cause, change


@dataclass(frozen=True)
class Answer:
    """Status, content type, Location, and at most 16 MiB of body."""

    status: int
    kind: str
    location: str
    body: bytes
    headers: Message
    own_address: str
    """From which it was asked."""


def fetch(url: SplitResult, target: str, headers: Mapping[str, str], seconds: float) -> Answer:
    """GETs `target` of the server of `url`; no redirect is followed, no proxy asked. Raises FetchError."""
    try:
        return _fetched(url, target, headers, timelimit.cut(seconds))
    except FetchError:
        timelimit.check()  # what had less than `seconds` is not to blame
        raise


def _fetched(url: SplitResult, target: str, headers: Mapping[str, str], seconds: float) -> Answer:
    try:
        connection = _connected(url, seconds)
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise _away(url, fault) from fault
    late = Event()
    alarm = Timer(seconds, _end, (connection.sock, late))
    alarm.daemon = True
    alarm.start()
    try:
        own_address = str(connection.sock.getsockname()[0]) if connection.sock else ""
        connection.request("GET", target, headers={"Accept": "application/json", **headers})
        return _answer(connection.getresponse(), own_address, late)
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise _late(seconds) if late.is_set() else _garbled(fault) from fault
    finally:
        alarm.cancel()
        connection.close()


def _connected(url: SplitResult, seconds: float) -> http.client.HTTPConnection:
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("an address such as http://127.0.0.1:3100 is accepted")
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname, url.port, timeout=seconds)
    connection.connect()
    return connection


def _answer(response: http.client.HTTPResponse, own_address: str, late: Event) -> Answer:
    body = response.read(MAX_BYTES + 1)
    if late.is_set():
        raise TimeoutError
    if len(body) > MAX_BYTES:
        raise FetchError(
            f"its answer is longer than {MAX_BYTES >> 20} MiB",
            "it is something else, or it was asked too much",
        )
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip()
    location = response.getheader("Location") or ""
    return Answer(response.status, kind, location, body, response.headers, own_address)


def _end(connected: socket.socket | None, late: Event) -> None:
    """Ends a connection that another thread waits on: whatever it reads next is the end."""
    late.set()
    if connected is not None:
        try:
            connected.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _away(url: SplitResult, fault: Exception) -> FetchError:
    if isinstance(fault, socket.gaierror):
        return FetchError(
            f"no host is called {url.hostname}", "a name that only another network knows, or a typo"
        )
    if isinstance(fault, ConnectionRefusedError):
        return FetchError(
            "connection refused", "nothing listens there: it is not running, or on another port"
        )
    if isinstance(fault, TimeoutError):
        return FetchError("no connection in time", "a firewall or another network is between")
    if isinstance(fault, ssl.SSLCertVerificationError):
        return FetchError(
            f"its certificate is not trusted: {fault.verify_message}",
            "who signed it is not among the authorities that this machine trusts, or it is of another name",
            "SSL_CERT_FILE=/path/to/authority.pem",
        )
    if isinstance(fault, ssl.SSLError):
        return FetchError(
            f"TLS failed ({fault.reason or fault})", "the address says https, the port is of http"
        )
    return FetchError(str(fault), "the address cannot be used as it is")


def _late(seconds: float) -> FetchError:
    return FetchError(f"no whole answer within {seconds:.0f} s", _HANGS, _RESTART)


def _garbled(fault: Exception) -> FetchError:
    if isinstance(fault, TimeoutError):
        return FetchError("no whole answer in time", _HANGS, _RESTART)
    what = f"{type(fault).__name__}: {str(fault)[:120]}"
    return FetchError(f"no HTTP answer ({what})", "the port speaks another protocol, such as gRPC or TLS")
