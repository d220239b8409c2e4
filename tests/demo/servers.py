"""A PostgreSQL, a Redis and a RabbitMQ of the test's own, on free ports, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo_services.ports import free_port
from tests.processes import Process, missing, require


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
    become = _become("postgres")
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


@contextmanager
def rabbitmq() -> Iterator[str]:
    """A RabbitMQ without plugins, by its URL; its name server is the test's own as well."""
    require("rabbitmq-server", "rabbitmq-server")
    names = require("epmd", "rabbitmq-server")
    port, distribution, naming = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory(prefix="observe-mq-", ignore_cleanup_errors=True) as folder:
        if become := _become("rabbitmq"):
            shutil.chown(folder, "rabbitmq")
        environment = {
            "HOME": folder,
            "ERL_EPMD_PORT": str(naming),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"observe-{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": f"{folder}/db",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_LOGS": "-",
        }
        # Not the wrapper on the PATH: it becomes another user and drops our variables.
        with (
            Process([names, "-port", str(naming), "-address", "127.0.0.1"]),
            Process([*become, "/usr/lib/rabbitmq/bin/rabbitmq-server"], env=environment) as broker,
        ):
            broker.wait_for_line("Server startup complete", timeout=60)
            yield f"amqp://guest:guest@127.0.0.1:{port}//"


def _become(user: str) -> list[str]:
    return ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
