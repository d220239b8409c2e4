"""The lowest versions the distribution says it takes, as constraints; pip itself knows only the newest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement
from packaging.specifiers import Specifier
from packaging.version import Version

from tests.versions.distribution import Distribution

PUBLISHED = ("", "celery", "console", "services", "load", "demo")
"""The extras that a user installs; what only development needs has no bound that must hold."""


def lowest(distribution: Distribution) -> list[str]:
    """One constraint, `name==version`, for each lower bound of a published extra."""
    asked = [requirement for requirement in distribution.requirements() if _published(requirement)]
    return sorted(set(_pinned(asked)))


def _published(requirement: Requirement) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in PUBLISHED)


def _pinned(requirements: Iterable[Requirement]) -> Iterator[str]:
    for requirement in requirements:
        bounds = [_version(part) for part in requirement.specifier if part.operator in (">=", "==", "~=")]
        if not bounds:
            raise ValueError(f"{requirement} has no lower bound: write the lowest version that was run")
        yield f"{requirement.name}=={max(bounds)}"


def _version(specifier: Specifier) -> Version:
    return Version(specifier.version.removesuffix(".*"))
