"""A stand-in for an outside payment API, which can be told to decline, to fail or to be slow.

POST /charges (see contracts/payment_charge.json); GET and PUT /control {"mode": "ok", "delay_seconds": 0}.
"""

import json
import time
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODES = ("ok", "decline", "error")
LONGEST_DELAY_SECONDS = 60


class Bank:
    """What the payment API knows: how it is told to behave, and the charges by their idempotency key."""

    def __init__(self) -> None:
        self.control: dict[str, Any] = {"mode": "ok", "delay_seconds": 0}
        self.charges: dict[str, dict[str, Any]] = {}

    def charge(self, key: str) -> tuple[HTTPStatus, dict[str, Any]]:
        """Charge once for each key, unless told otherwise."""
        time.sleep(self.control["delay_seconds"])
        if self.control["mode"] == "error":
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"detail": "internal error"}
        if self.control["mode"] == "decline":
            return HTTPStatus.PAYMENT_REQUIRED, {"status": "declined", "reason": "insufficient funds"}
        charge = self.charges.setdefault(key, {"id": f"ch_{uuid.uuid4().hex[:12]}", "status": "succeeded"})
        return HTTPStatus.CREATED, charge

    def behave(self, wanted: Any) -> tuple[HTTPStatus, dict[str, Any]]:
        """Change the mode, the delay or both; what is not understood changes nothing."""
        control = {**self.control, **wanted} if isinstance(wanted, dict) else {}
        delay = control.get("delay_seconds")
        if (
            set(control) != set(self.control)
            or control["mode"] not in MODES
            or not isinstance(delay, int | float)
            or not 0 <= delay <= LONGEST_DELAY_SECONDS
        ):
            accepted = {"mode": list(MODES), "delay_seconds": f"0 to {LONGEST_DELAY_SECONDS}"}
            return HTTPStatus.BAD_REQUEST, {"detail": "not understood", "accepted": accepted}
        self.control = control
        return HTTPStatus.OK, control


class Handler(BaseHTTPRequestHandler):
    """HTTP in front of the one bank."""

    bank = Bank()

    def do_GET(self) -> None:
        """Tell how it behaves."""
        if self.path == "/control":
            self._answer(HTTPStatus.OK, self.bank.control)
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"detail": "POST /charges, GET or PUT /control"})

    def do_PUT(self) -> None:
        """Be told how to behave."""
        wanted = self._body()
        if self.path == "/control":
            self._answer(*self.bank.behave(wanted))
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"detail": "PUT /control"})

    def do_POST(self) -> None:
        """Charge."""
        body, key = self._body(), self.headers.get("Idempotency-Key")
        if self.path != "/charges":
            self._answer(HTTPStatus.NOT_FOUND, {"detail": "POST /charges"})
        elif not key or not isinstance(body, dict) or set(body) != {"reference", "amount_cents", "currency"}:
            self._answer(HTTPStatus.BAD_REQUEST, {"detail": "reference, amount_cents, currency and a key"})
        else:
            self._answer(*self.bank.charge(key))

    def _body(self) -> Any:
        try:
            return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        except ValueError:
            return None

    def _answer(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def serve(port: int, host: str = "127.0.0.1") -> None:
    """Serve until stopped; a container needs 0.0.0.0 as host."""
    ThreadingHTTPServer((host, port), Handler).serve_forever()
