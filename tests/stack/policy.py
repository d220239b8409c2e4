"""What no container of the stack may do, told for a resolved Compose file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Service = Mapping[str, Any]

SECRET: Final = "a-secret-of-the-test"
"""What the test puts wherever a secret belongs."""
UNCHECKED: Final = {
    "auth-migrate": "runs once",
    "orders-migrate": "runs once",
    "notifications-migrate": "runs once",
    "republisher": "serves nothing; a broken one ends and is started again",
}
"""Services without a health check, and why."""
WRITABLE: Final = {"rabbitmq": "its start writes beside its configuration"}
"""Services without a read-only root, and why."""

_SECRET_NAME = re.compile(r"PASSWORD|_PASS$|SECRET|TOKEN|DATABASE_URL|BROKER_URL")
_TAG = re.compile(r"[^:@]+:v?\d+\.\d+[\w.-]*")
_BYTES = re.compile(r"\d+[bkmg]?", re.IGNORECASE)


def violations(compose: Mapping[str, Any]) -> list[str]:
    """Every rule that a service breaks, as `service: what is wrong`."""
    found = [
        f"{name}: {fault}"
        for name, service in compose["services"].items()
        for rule in RULES
        for fault in rule(name, service)
    ]
    named = set(compose.get("volumes") or {})
    return found + [
        f"{name}: volume {source} is not declared"
        for name, service in compose["services"].items()
        for source, _, _ in map(_mount, service.get("volumes", []))
        if not source.startswith("/") and source not in named
    ]


def ports_on_loopback(_name: str, service: Service) -> Iterator[str]:
    """A published port is reached from this machine alone."""
    for port in service.get("ports", []):
        address = port.get("host_ip") if isinstance(port, dict) else str(port).rpartition("/")[0] or str(port)
        if not str(address).startswith("127.0.0.1"):
            yield f"port {port} is not on 127.0.0.1"


def pinned(_name: str, service: Service) -> Iterator[str]:
    """An image has a tag with a version."""
    if not _TAG.fullmatch(str(service.get("image", ""))):
        yield f"image {service.get('image')} has no version"


def confined(_name: str, service: Service) -> Iterator[str]:
    """No way out of the container."""
    if service.get("privileged") or service.get("cap_add") or service.get("devices"):
        yield "has privileges"
    if service.get("cap_drop") != ["ALL"]:
        yield "keeps capabilities"
    if not any(str(option).startswith("no-new-privileges") for option in service.get("security_opt", [])):
        yield "may gain privileges"
    for key in ("network_mode", "pid", "ipc", "userns_mode"):
        if service.get(key) == "host":
            yield f"shares the host's {key}"


def not_root(_name: str, service: Service) -> Iterator[str]:
    """The user is said here, by number, and is not root."""
    if not re.fullmatch(r"[1-9]\d*(:\d+)?", str(service.get("user", ""))):
        yield f"runs as {service.get('user') or 'whatever the image says'}"


def mounts(_name: str, service: Service) -> Iterator[str]:
    """Of the host, only files to read, and never Docker's socket."""
    for source, target, mode in map(_mount, service.get("volumes", [])):
        if "docker.sock" in source + target:
            yield "holds docker.sock"
        if source.startswith("/") and mode != "ro":
            yield f"may write to {source} of the host"


def read_only(name: str, service: Service) -> Iterator[str]:
    """The root is read-only, or there is a reason."""
    if not service.get("read_only") and name not in WRITABLE:
        yield "has a root it can write to"


def bounded(_name: str, service: Service) -> Iterator[str]:
    """Memory, processes and logs end somewhere."""
    if not _BYTES.fullmatch(str(service.get("mem_limit", ""))):
        yield "has no memory limit"
    if not service.get("pids_limit"):
        yield "has no limit of processes"
    options = (service.get("logging") or {}).get("options") or {}
    if not (options.get("max-size") and options.get("max-file")):
        yield "keeps its output for ever"


def checked(name: str, service: Service) -> Iterator[str]:
    """There is a health check, or a reason."""
    if not (service.get("healthcheck") or {}).get("test") and name not in UNCHECKED:
        yield "has no health check"


def no_default_secret(_name: str, service: Service) -> Iterator[str]:
    """What is secret comes from outside: the test gives it, and finds it again."""
    for key, value in (service.get("environment") or {}).items():
        if _SECRET_NAME.search(key) and SECRET not in str(value):
            yield f"{key} has a value of its own"
    if service.get("environment", {}).get("GF_AUTH_ANONYMOUS_ENABLED", "false") != "false":
        yield "lets anybody in"


RULES: Final[tuple[Callable[[str, Service], Iterator[str]], ...]] = (
    ports_on_loopback,
    pinned,
    confined,
    not_root,
    mounts,
    read_only,
    bounded,
    checked,
    no_default_secret,
)


def _mount(volume: Any) -> tuple[str, str, str]:
    """Source, target and mode of a volume in the short or the long form."""
    if isinstance(volume, dict):
        return volume.get("source", ""), volume["target"], "ro" if volume.get("read_only") else "rw"
    source, target, *mode = str(volume).split(":")
    return source, target, mode[0] if mode else "rw"
