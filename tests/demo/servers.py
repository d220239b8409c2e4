"""A PostgreSQL and a Redis of the test's own, on free ports, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import Process, free_port, missing, require


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server; in its URL `{service}` stands for the database's name."""

    url: str
    programs: Path

    def ask(self, database: str, query: str) -> str:
        """The answer of psql, bare."""
        words = [str(self.programs / "psql"), self.url.format(service=database), "-Atc", query]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def postgresql(*databases: str) -> Iterator[Database]:
    """A server with these databases; as root it runs as the user postgres, for it refuses to run as root."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not versions:
        missing("PostgreSQL is not installed (apt package postgresql)")
    programs, port = versions[-1].parent, free_port()
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="observe-pg-", ignore_cleanup_errors=True) as folder:
        if become:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"
        initdb = [str(programs / "initdb"), "-D", data, "-U", "demo", "-A", "trust", "--no-sync"]
        subprocess.run([*become, *initdb], cwd=folder, check=True, capture_output=True)
        options = ["-p", str(port), "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
        options += ["-c", "listen_addresses=127.0.0.1"]
        with Process([*become, programs / "postgres", "-D", data, *options], cwd=Path(folder)) as server:
            database = Database(f"postgresql://demo@127.0.0.1:{port}/{{service}}", programs)
            server.wait_for_line("ready to accept connections")
            for name in databases:
                database.ask("postgres", f"create database {name}")
            yield database


@contextmanager
def redis(port: int | None = None) -> Iterator[str]:
    """A Redis that saves nothing, by its URL."""
    program = require("redis-server", "redis-server")
    port = port or free_port()
    argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with Process(argv) as server:
        server.wait_for_line("Ready to accept connections")
        yield f"redis://127.0.0.1:{port}/0"
