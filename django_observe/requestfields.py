"""What a request and its answer say of themselves, asked of objects that a project may have put there.

One that raises, such as a user that cannot be loaded or a test's mock, costs its own fields alone.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase

from django_observe import conf, persons, routetext
from django_observe.pathtext import path_of, scrub_path
from django_observe.reporting import guard
from django_observe.requesthead import content_length
from django_observe.responsehead import charset_of
from django_observe.vocabulary import UNMATCHED_ROUTE, LabelValue

_guard = guard("observation")


def _add_route(fields: dict[str, Any], request: HttpRequest) -> None:
    match = request.resolver_match
    route = (match.route or "/") if match else request.path_info if fields["own"] else UNMATCHED_ROUTE
    view = (match.view_name or LabelValue.UNNAMED_VIEW) if match else LabelValue.UNNAMED_VIEW
    fields["path"] = path_of(request, route)
    fields["route"] = routetext.told(route)
    fields["view"] = view
    fields["matched"] = match is not None


def _add_head(fields: dict[str, Any], request: HttpRequest) -> None:
    meta, settings = request.META, conf.settings()
    fields["bytes_in"] = content_length(meta.get("CONTENT_LENGTH"))
    fields["ajax"] = meta.get("HTTP_X_REQUESTED_WITH") == "XMLHttpRequest"
    fields["quiet"] = bool(settings.quiet_paths) and request.path.startswith(settings.quiet_paths)
    fields["transport"] = "https" if request.scheme == "https" else "http"
    fields["client_ip"] = persons.client_of(meta, settings.trusted_peers)


def _add_user(fields: dict[str, Any], request: HttpRequest) -> None:
    """The user that the view has already looked up; never looks one up (no query, no Vary)."""
    user = request.__dict__.get("_cached_user") or request.__dict__.get("_acached_user")
    if user is None:
        user = request.__dict__.get("user")
        if user is None or "_wrapped" in getattr(user, "__dict__", {}):
            return
    fields["user_id"] = persons.user_id(user)


def _add_answer(fields: dict[str, Any], response: HttpResponseBase) -> None:
    fields["streaming"] = response.streaming
    fields["charset"] = charset_of(response)
    template = getattr(response, "template_name", None)
    if template is not None:
        fields["template"] = str(template)


_READERS: Final = (_add_route, _add_head, _add_user)


def add(fields: dict[str, Any], request: HttpRequest, response: HttpResponseBase | None) -> None:
    """Adds what is said to `fields`: fields of an `Exchange`, with `own` among them."""
    for reader in _READERS:
        reader(fields, request)
    if response is not None:
        _add_answer(fields, response)


def add_what_can_be_read(
    fields: dict[str, Any], request: HttpRequest, response: HttpResponseBase | None
) -> None:
    """As `add`, where that raised: what cannot be read is left out, and has the default of an `Exchange`."""
    for reader in _READERS:
        with _guard:
            reader(fields, request)
    if response is not None:
        with _guard:
            _add_answer(fields, response)
    if "path" not in fields:
        fields["path"] = scrub_path(request.path)
