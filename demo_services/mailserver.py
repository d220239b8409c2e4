"""A mail server that delivers nothing: it keeps the last mails and shows them as JSON by HTTP."""

import json
from collections import deque
from datetime import datetime, timezone
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT = 500


class Mailbox:
    """The mails that came by SMTP, newest first."""

    def __init__(self) -> None:
        self.mails: deque[dict[str, Any]] = deque(maxlen=KEPT)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail; the name is aiosmtpd's."""
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        body = message.get_body(("plain",))
        self.mails.appendleft(
            {
                "received_at": datetime.now(timezone.utc).isoformat(),
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "subject": str(message["subject"]),
                "body": body.get_content() if body else "",
            }
        )
        return "250 Kept"


def serve(smtp_port: int, http_port: int) -> None:
    """Receive on one port of 127.0.0.1 and show on another, until stopped."""
    mailbox = Mailbox()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(list(mailbox.mails), indent=2).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    Controller(mailbox, hostname="127.0.0.1", port=smtp_port).start()
    ThreadingHTTPServer(("127.0.0.1", http_port), Handler).serve_forever()
