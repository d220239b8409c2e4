"""The usual way to an OTLP receiver: one of urllib3's connections, and nothing around it (ADR 20).

That requests is not imported saves 4 MB of a process.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - the first name looked up would import it, where a fork may interrupt it
import http.client
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from urllib3 import HTTPHeaderDict
from urllib3.exceptions import HTTPError, InvalidHeader, LocationValueError, URLSchemeUnknown
from urllib3.util import parse_url

from django_observe import conf
from django_observe.timedconnection import POOLS

BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name the certificates to trust where OTEL_EXPORTER_OTLP_CERTIFICATE does not."""

PASSING: Final = (HTTPError, http.client.HTTPException, TimeoutError)
"""What sending, and reading an answer, raise for reasons that may be over with the next try."""

LASTING: Final = (LocationValueError, InvalidHeader)
"""Those of them whose reasons are not."""


class Answer(NamedTuple):
    """Of a receiver; whoever asked reads and closes the body."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Pool:
    """Posts to one URL by a connection that is kept."""

    passing: Final = PASSING

    def __init__(self, signal: str, url: str, headers: Mapping[str, str]) -> None:
        parts = parse_url(url)
        if parts.scheme not in POOLS:
            raise URLSchemeUnknown(str(parts.scheme))
        if not parts.host:
            raise LocationValueError("no host")
        self._headers, self._target = HTTPHeaderDict(), parts.request_uri
        self._headers.update(headers)  # later ones in place of those that differ in case alone
        self._headers.discard("Content-Length")  # each body has its own
        self._files = _tls_files(signal) if parts.scheme == "https" else {}
        tls = {"cert_reqs": "CERT_REQUIRED", **self._files} if self._files else {}
        self._pool = POOLS[parts.scheme](parts.host, parts.port, maxsize=1, **tls)

    def post(self, data: bytes, seconds: float) -> Answer:
        """Sends one body; follows no redirect, and unpacks nothing.

        Raises:
            urllib3.exceptions.HTTPError, ValueError, OSError: there is no whole head of an answer.
        """
        for path in self._files.values():
            Path(path).stat()  # urllib3 would take a missing file for a connection that broke off
        answer = self._pool.urlopen(
            "POST",
            self._target,
            data,
            self._headers,
            timeout=seconds,
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        return Answer(answer.status, answer.headers, answer)


def _tls_files(signal: str) -> dict[str, str]:
    """By urllib3's names; it reads them with each new connection, as certificates are renewed."""
    given = [conf.otlp_variable(signal, "CERTIFICATE"), *map(conf.environment, BUNDLES)]
    trusted = next(filter(None, given), "") or _usual_authorities()
    files = {"ca_cert_dir" if Path(trusted).is_dir() else "ca_certs": trusted}
    if certificate := conf.otlp_variable(signal, "CLIENT_CERTIFICATE"):
        files["cert_file"] = certificate
        if key := conf.otlp_variable(signal, "CLIENT_KEY"):
            files["key_file"] = key
    return files


def _usual_authorities() -> str:
    """Those that requests trusts, too."""
    import certifi

    return certifi.where()
