"""A real HTTP server that gives prepared answers in the place of another service."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answers = dict[tuple[str, str], dict[str, Any]]


class StandIn:
    """Answers by (method, path) from `answers`, each a status and a body; keeps what it was asked."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.requests: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "StandIn":  # noqa: PYI034 (Self is newer than Python 3.10)
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(content) if content else None
                stand_in.requests.append({"path": self.path, "headers": dict(self.headers), "body": body})
                answer = stand_in.answers.get((self.command, self.path), {"status": 404, "body": {}})
                payload = json.dumps(answer["body"]).encode()
                self.send_response(answer["status"])
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_args: object) -> None:
                """Say nothing: a test's output is its own."""

        return Handler
