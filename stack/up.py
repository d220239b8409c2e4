"""Starts and stops the stack: `python3 stack/up.py [up|down]`, which `make up` and `make down` call.

On the first start it writes .env with random passwords (mode 0600, never overwritten). It needs nothing but
Python and Docker with Compose, v2 (`docker compose`) or 1.29 (`docker-compose`).
"""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
ORDERS = "Orders, with the switches for faults"
ADDRESSES = {
    "Grafana": "http://localhost:3000",
    ORDERS: "http://localhost:8002",
    "Jaeger": "http://localhost:16686",
    "Prometheus": "http://localhost:9090",
    "Alertmanager": "http://localhost:9093",
    "Alerts as a webhook gets them": "http://localhost:9094",
    "Mails": "http://localhost:8025",
}
GRAFANA_PASSWORD = "GRAFANA_ADMIN_PASSWORD"  # noqa: S105 - the name of the variable


def write_environment(example: Path, target: Path) -> bool:
    """Writes `target` from `example`, every <random> and <NAME> filled in; False if it is there already."""
    if target.exists():
        return False
    known: dict[str, str] = {}
    lines = [_filled(line, known) for line in example.read_text().splitlines()]
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return True


def _filled(line: str, known: dict[str, str]) -> str:
    name, equals, value = line.lstrip("#").partition("=")
    if not equals or " " in name:
        return line
    if value == "<random>":
        known[name] = secrets.token_hex(20)
        return f"{name}={known[name]}"
    return re.sub(r"<(\w+)>", lambda found: known[found[1]], line)


def read_environment(path: Path) -> dict[str, str]:
    """The NAME=value lines of a file as Compose reads it."""
    lines = (line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def missing(example: Path, target: Path) -> list[str]:
    """The names that `example` has a password in, and neither `target` nor the shell's environment has."""
    given = {**read_environment(target), **os.environ}
    return [name for name, value in read_environment(example).items() if "<" in value and not given.get(name)]


def compose() -> list[str]:
    """The Compose that is there; ends the program with what to install or to start if it cannot be used."""
    found = _installed()
    if docker := shutil.which("docker"):
        asked = subprocess.run([docker, "version"], check=False, capture_output=True, text=True)
        if asked.returncode != 0:
            sys.exit(f"Docker's daemon does not answer; is it started?\n{asked.stderr.strip()}")
    return found


def _installed() -> list[str]:
    plugin = ["docker", "compose"]
    if shutil.which("docker"):
        asked = subprocess.run([*plugin, "version"], check=False, capture_output=True)
        if asked.returncode == 0:
            return plugin
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    sys.exit(
        "Neither `docker compose` nor `docker-compose` is there. Install Docker with its Compose plugin."
    )


def addresses(given: Mapping[str, str]) -> str:
    """Where everything is; and what the switches for faults want first, if `given` does not allow them."""
    locked = given.get("DEMO_FAULTS_ALLOWED") != "1"
    notes = {ORDERS: "  (DEMO_FAULTS_ALLOWED=1 in .env)"} if locked else {}
    width = max(map(len, ADDRESSES))
    return "\n".join(f"{name:<{width}}  {at}{notes.get(name, '')}" for name, at in ADDRESSES.items())


def up() -> None:
    """Builds and starts everything, then says where it is and how to sign in."""
    example, environment = TOP / ".env.example", TOP / ".env"
    if environment.exists() and (names := missing(example, environment)):
        sys.exit(f"{environment} has no {', '.join(names)}: add what .env.example explains.")
    command = compose()
    written = write_environment(example, environment)
    if written:
        print(f"Wrote {environment} with random passwords.")
    subprocess.run([*command, "up", "--detach", "--build"], cwd=TOP, check=True)
    given = read_environment(environment)
    print(addresses({**given, **os.environ}))
    password = given[GRAFANA_PASSWORD] if written else f"{GRAFANA_PASSWORD} in .env"
    print(f"Grafana's user is admin, its password {password}")
    print(f"All is up when `{' '.join(command)} ps` shows every service healthy: about a minute.")


def down() -> None:
    """Stops everything; the volumes with all data stay."""
    profiles = ["--profile", "load", "--profile", "rabbitmq"]
    subprocess.run([*compose(), *profiles, "down", "--remove-orphans"], cwd=TOP, check=True)


if __name__ == "__main__":
    chosen = {"up": up, "down": down}.get(" ".join(sys.argv[1:]) or "up")
    if chosen is None:
        sys.exit("usage: python3 stack/up.py [up|down]")
    try:
        chosen()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
