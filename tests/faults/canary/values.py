"""The canaries, one for each place, program and outcome; the book of those that were there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

OUTCOMES = ("error", "success")
ANY = "any"
"""The outcome of what is planted once for a program: its environment and settings."""


@dataclass(frozen=True, order=True)
class Plant:
    """A place of a program under an outcome."""

    place: str
    program: str
    outcome: str


def canary(plant: Plant, seed: str) -> str:
    """Its secret: letters and digits, so that no encoding but base64 changes it; begins Zq, ends qZ."""
    told = hashlib.sha256(f"{seed} {plant}".encode()).hexdigest()
    return f"Zq{told[:20]}qZ"


def slug(place: str) -> str:
    """A place's name as a plain part of a URL."""
    return "-".join("".join(each if each.isalpha() else " " for each in place).split())


def own(place: str, outcome: str = ANY) -> str:
    """The canary of a place in the program that asks."""
    return canary(Plant(place, os.environ["CANARY_PROGRAM"], outcome), os.environ["CANARY_SEED"])


def witness(place: str, outcome: str, value: str, program: str = "") -> None:
    """Notes that the code of a place has run, and what it had there: not the value, its hash.

    `program`: the one that planted it, where that is another.
    """
    line = {
        "place": place,
        "program": program or os.environ["CANARY_PROGRAM"],
        "outcome": outcome,
        "hash": digest(value),
    }
    with Path(os.environ["CANARY_WITNESS"]).open("a") as book:
        book.write(f"{json.dumps(line)}\n")


def digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def witnessed(book: Path, seed: str) -> set[Plant]:
    """The plants whose code has run with the very value that was planted."""
    found = set()
    for line in book.read_text().splitlines():
        told = json.loads(line)
        plant = Plant(told["place"], told["program"], told["outcome"])
        if told["hash"] == digest(canary(plant, seed)):
            found.add(plant)
    return found


_PART = re.compile(rb"zq[0-9a-f]{10}|[0-9a-f]{10}qz")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}")


class Search:
    """Finds canaries, halves of them too, in any case, also in base64."""

    def __init__(self, plants: Iterable[Plant], seed: str) -> None:
        self._parts: dict[bytes, Plant] = {}
        for plant in plants:
            value = canary(plant, seed).lower().encode()
            self._parts |= {value[:12]: plant, value[-12:]: plant}

    def found(self, data: bytes, *, base64: bool = True) -> dict[Plant, int]:
        """How often each plant is in `data`, also in base64 if that is wanted, which takes its time."""
        counts: dict[Plant, int] = {}
        for part in (*_PART.findall(data.lower()), *(self._encoded(data) if base64 else ())):
            if plant := self._parts.get(part):
                counts[plant] = counts.get(plant, 0) + 1
        return counts

    @staticmethod
    def _encoded(data: bytes) -> Iterator[bytes]:
        for run in _BASE64.findall(data):
            plain = run.replace(b"-", b"+").replace(b"_", b"/")
            for start in range(4):
                whole = plain[start : start + (len(plain) - start) // 4 * 4]
                yield from _PART.findall(b64decode(whole).lower())
