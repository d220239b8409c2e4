"""One run: everything is planted in every program, and every sink is searched."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.collector import Collector
from tests.console.running import PROTOBUF, Console, running
from tests.faults.canary.actions import ACTIONS, CONFIGURED
from tests.faults.canary.broken import ALL, KINDS
from tests.faults.canary.peer import peer
from tests.faults.canary.programs import PROGRAMS, WEB, WORKERS, Run, both, once
from tests.faults.canary.sending import Client
from tests.faults.canary.values import OUTCOMES, Plant, Search, canary, slug, witnessed
from tests.oneline.broker import redis
from tests.processes import WARM_SHUTDOWN_SECONDS, Process, get, wait_until

SINKS = ("OTLP", "stdout, stderr", "/metrics", "/readyz", "console: file", "console: pages")

HANDLING = {
    "exception args: middleware": ("middleware", 200),
    "response: Location": ("redirect", 302),
    "response: cookie and body": ("cookie", 200),
    "user who is logged in": ("login", 200),
}
"""What a view of its own does: its path, and its answer when all is well."""

PUBLISHED = ("Celery args", "Celery kwargs", "Celery args: of a task no worker knows")
IN_A_WORKER = ("Celery result", "exception args: retry")
WORKER = f"{ALL}, worker"


@dataclass
class Found:
    """What a run has planted, what of it ran, and what the sinks held."""

    seed: str
    planted: set[Plant] = field(default_factory=set)
    witnessed: set[Plant] = field(default_factory=set)
    sinks: dict[str, list[bytes]] = field(default_factory=lambda: {sink: [] for sink in SINKS})

    def leaks(self) -> dict[str, dict[Plant, int]]:
        """By sink: the plants in it, and how often."""
        search = Search(self.planted, self.seed)
        return {
            sink: search.found(b"\n".join(data), base64="console" not in sink)  # it has what OTLP brought
            for sink, data in self.sinks.items()
        }


@contextmanager
def surroundings(folder: Path) -> Iterator[tuple[Run, Collector]]:
    """A Redis, a collector, a service to call and a migrated database."""
    with redis() as url, Collector() as collector, peer() as other:
        variables = {**collector.environment, "REDIS_URL": url, "CANARY_PEER": other}
        run = Run(secrets.token_hex(8), folder, variables)
        with run.command("migrate", "--verbosity", "0") as migration:
            assert migration.popen.wait(60) == 0, migration.stderr
        run.book.touch()
        yield run, collector


def everything(folder: Path) -> Found:
    """All programs, all places, all sinks."""
    with ExitStack() as stack:
        console = stack.enter_context(running("--db", folder / "console.sqlite3"))
        run, collector = stack.enter_context(surroundings(folder))
        found = Found(run.seed)
        programs = {name: stack.enter_context(run.started(name)) for name in (*WEB, *WORKERS)}
        commands = [stack.enter_context(command(run, outcome, found)) for outcome in OUTCOMES]
        for name in WORKERS:
            found.planted |= both(name, *ACTIONS, *IN_A_WORKER) | once(name, *CONFIGURED)
        clients = [
            Client(name, programs[name][1], run.seed, found.planted, name == "uvicorn") for name in WEB
        ]
        with ThreadPoolExecutor() as pool:
            list(pool.map(plant, clients, [programs[name][0] for name in WEB]))
        wait_until(lambda: found.planted <= witnessed(run.book, run.seed), "everything to be planted", 60)
        found.witnessed = witnessed(run.book, run.seed)
        found.sinks["/metrics"] += [get(f"{url}/metrics").body for _, url in programs.values()]
        found.sinks["/readyz"] += [get(f"{programs[name][1]}/readyz").body for name in WEB]
        ended = [*(process for process, _ in programs.values()), *commands, console.process]
        search_otlp(found, collector, ended[:-1])
        search_console(found, collector, console, folder)
        found.sinks["stdout, stderr"] += [f"{each.stdout}\n{each.stderr}".encode() for each in ended]
    return found


def plant(client: Client, process: Process, outcomes: tuple[str, ...] = OUTCOMES) -> None:
    """All that a web server has."""
    process.wait_for_http(f"{client.url}/healthz", 60)
    for outcome in outcomes:
        client.carry(outcome)
        status = 500 if outcome == "error" else 200
        for place in ACTIONS:
            client.value(place, outcome)
            client.request(f"/{outcome}/act/{slug(place)}/", status)
        for place, (path, when_well) in HANDLING.items():
            client.value(place, outcome)
            client.request(f"/{outcome}/{path}/", status if outcome == "error" else when_well)
        client.stream(outcome)
        client.planted |= once(client.program, *CONFIGURED)
        client.request(f"/{outcome}/configuration/", status)
        client.planted |= {Plant(place, client.program, outcome) for place in PUBLISHED}
        client.request(f"/{outcome}/publish/", 200)
        client.talk(outcome)


def controls(folder: Path) -> Found:
    """By kind of what can be switched off: a web server without it; and a worker, for Celery's lines."""
    with ExitStack() as stack:
        run, collector = stack.enter_context(surroundings(folder))
        found = Found(run.seed)
        servers = {
            kind: stack.enter_context(run.started(kind, "uvicorn", CANARY_BREAK=kind)) for kind in KINDS
        }
        more = {"CANARY_BREAK": ALL, "TASK_QUEUE": ALL, "CANARY_LOGGING": "own"}
        worker, _ = stack.enter_context(run.started(WORKER, "prefork", **more))
        clients = [Client(kind, url, run.seed, found.planted, True) for kind, (_, url) in servers.items()]
        outcomes = [OUTCOMES if kind == ALL else OUTCOMES[:1] for kind in KINDS]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(plant, clients, [process for process, _ in servers.values()], outcomes))
        tasks = both(WORKER, *IN_A_WORKER)
        found.planted |= tasks
        wait_until(lambda: tasks <= witnessed(run.book, run.seed), "the worker's tasks", 60)
        ended = [*(process for process, _ in servers.values()), worker]
        search_otlp(found, collector, ended)
        found.sinks["stdout, stderr"] += [f"{each.stdout}\n{each.stderr}".encode() for each in ended]
    return found


@contextmanager
def command(run: Run, outcome: str, found: Found) -> Iterator[Process]:
    """A management command that does all it can, and ends by itself."""
    given = Plant("command line", "command", outcome)
    found.planted |= {given} | both("command", *ACTIONS) | once("command", *CONFIGURED)
    with run.command("plant", outcome, "--password", canary(given, run.seed)) as process:
        yield process


def search_otlp(found: Found, collector: Collector, programs: list[Process]) -> None:
    """Ends the programs, which deliver what they have left; then what the collector has got."""
    for process in programs:
        process.popen.terminate()
    for process in programs:
        process.popen.wait(WARM_SHUTDOWN_SECONDS)
    for path, headers, body in collector.requests:
        found.sinks["OTLP"] += [f"{path} {headers}".encode(), body]


def search_console(found: Found, collector: Collector, console: Console, folder: Path) -> None:
    """Gives the console the very bytes that the collector has got; then its pages, its API and its files."""
    for path, _, body in collector.requests:
        assert console.post(path, body, {"Content-Type": PROTOBUF}).status == 200
    spans, logs = len(collector.spans()), len(collector.logs())
    wait_until(lambda: stored(console) == (spans, logs), f"{spans} spans and {logs} log lines in the console")
    paths = ["/traces", "/logs", "/api/status", "/api/v3/services"]
    paths += [f"{kind}{trace}" for trace in {span.trace_id for span in collector.spans()} for kind in _TRACES]
    for service in (*PROGRAMS, "command"):
        queries = [f"service={service}&level={level}&limit=1000" for level in ("debug", "info", "error")]
        paths += [f"{kind}?{query}" for query in queries for kind in ("/logs", "/api/logs")]
    found.sinks["console: pages"] += [console.get(path).body for path in paths]
    found.sinks["console: file"] += [file.read_bytes() for file in sorted(folder.glob("console.sqlite3*"))]


_TRACES = ("/trace/", "/api/v3/traces/")


def stored(console: Console) -> tuple[int, int]:
    told = console.json("/api/status")["stored"]
    return told["spans"], told["logs"]
