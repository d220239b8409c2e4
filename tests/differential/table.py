"""All rows, by the program that does their work; importing this imports none of the libraries they use."""

from __future__ import annotations

from tests.differential import celery, client, database, options, server
from tests.differential.rows import Row

PROGRAMS: dict[str, list[Row]] = {
    "web": [*server.ROWS, *client.ROWS, *database.ROWS],
    "worker": [*celery.ROWS, *options.ROWS],
}
ROWS = [row for rows in PROGRAMS.values() for row in rows]
