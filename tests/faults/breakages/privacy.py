"""What could be told of persons and secrets."""

from __future__ import annotations

import re
from collections.abc import Callable


def _tell_who_asks() -> None:
    from django_observe import persons

    persons.user_id = lambda user: str(user.pk)


def _tell_whole_paths() -> None:
    from django_observe import pathtext

    pathtext._PLAIN_VALUE = re.compile(".*", re.DOTALL)


def _tell_what_servers_say() -> None:
    from django_observe import requesttext

    requesttext.teller = lambda name: None


def _tell_statements_whole() -> None:
    from django_observe import sqltext

    sqltext.without_values = lambda sql, dialect="": sql


def _know_no_names_of_secrets() -> None:
    from django_observe import secretnames

    vars(secretnames)["_is_secret"] = lambda name, added: False


def _know_no_forms_of_secrets() -> None:
    from django_observe import redaction

    vars(redaction).update(dict.fromkeys(["scrub_cards", "scrub_tokens", "scrub_keys"], str))


def _apply_no_patterns_of_the_project() -> None:
    from django_observe import redaction

    vars(redaction)["project_patterns"] = tuple


def _cut_nothing() -> None:
    from django_observe import redaction

    redaction.cut = lambda text, limit: text


BREAKAGES: dict[str, Callable[[], None]] = {
    "lines tell the user, whatever the settings say": _tell_who_asks,
    "paths are told whole": _tell_whole_paths,
    "lines of servers are told as they are": _tell_what_servers_say,
    "statements are told with their values": _tell_statements_whole,
    "names of secrets are not known": _know_no_names_of_secrets,
    "forms of tokens, keys and cards are not known": _know_no_forms_of_secrets,
    "a project's own patterns are not applied": _apply_no_patterns_of_the_project,
    "texts are not cut": _cut_nothing,
}
