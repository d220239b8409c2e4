"""`python -m demo_services fault orders errors=0.3`: the fault switches of a running demo, over HTTP."""

import json
from collections.abc import Sequence
from typing import Any

import requests

from demo_services.faults.switches import BAD
from demo_services.ports import Ports
from demo_services.screen import Screen, command

HTTP_SECONDS = 70
"""A little more than the longest latency, which may hold up every thread of the service."""
INSTANCES = {"auth": "auth", "orders": "orders", "notifications": "notifications", "orders-canary": "canary"}


class FaultCommand:
    """One call: which instance, and what to switch there; `failure` on the screen and False when refused."""

    def __init__(self, screen: Screen, ports: Ports) -> None:
        self._screen = screen
        self._ports = ports

    def run(self, instance: str, words: Sequence[str]) -> bool:
        """Show the switches (no words), switch all off (`off`), or set those of the words (`key=value`)."""
        if instance not in INSTANCES:
            return self._refuse(f"There is no service {instance!r}; there are {', '.join(INSTANCES)}.")
        unclear = [word for word in words if "=" not in word]
        if unclear and list(words) != ["off"]:
            return self._refuse(f"{unclear[0]!r} is not understood; write key=value, or off alone.")
        return self._call(instance, list(words))

    def _call(self, instance: str, words: list[str]) -> bool:
        address = f"{self._ports.url(INSTANCES[instance])}/faults"
        method = "GET" if not words else "DELETE" if words == ["off"] else "PUT"
        wanted = dict(word.split("=", 1) for word in words) if method == "PUT" else None
        try:
            answer = requests.request(method, address, json=wanted, timeout=HTTP_SECONDS)
            document = answer.json()
        except requests.ConnectionError:
            return self._refuse(
                f"{instance} does not answer at {address}. Is the demo running (make demo)? "
                "If it runs with a DEMO_PORT_OFFSET, call this with the same one."
            )
        except (requests.RequestException, json.JSONDecodeError) as error:
            return self._refuse(f"What answers at {address} is not {instance} of the demo: {error}")
        if not answer.ok:
            return self._refuse(str(document.get("detail", document)))
        self._tell(instance, document)
        return True

    def _tell(self, instance: str, document: dict[str, Any]) -> None:
        on = document["faults"]
        if on:
            told = " ".join(f"{key}={_shown(value)}" for key, value in on.items())
            self._screen.line(f"{instance}: {told} (`{command(self._ports)} fault {instance} off` ends it)")
            if on.get("version") == BAD:
                self._screen.line(
                    f"orders-canary is that version: a second orders at {self._ports.url('canary')}, "
                    f"with faults of its own (`{command(self._ports)} fault orders-canary` shows them)"
                )
        else:
            self._screen.line(f"{instance}: no fault is on; there are")
            for key, accepted in document["accepted"].items():
                self._screen.line(f"  {key}=  {accepted}")

    def _refuse(self, why: str) -> bool:
        self._screen.failure(why)
        return False


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(value) if isinstance(value, list) else str(value)
