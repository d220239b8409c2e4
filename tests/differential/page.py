"""The list of deviations in docs/reference/opentelemetry.md, from their reasons."""

from __future__ import annotations

from tests.differential.deviations import DEVIATIONS
from tests.faults.page import with_block
from tests.tables import ROOT

PAGE = ROOT / "docs/reference/opentelemetry.md"


def current() -> str:
    """The page with the list as it is now."""
    return with_block(
        PAGE.read_text(), "deviations", "\n\n".join([_list(wire=False), _AT_THE_WIRE, _list(wire=True)])
    )


_AT_THE_WIRE = "As they leave the process; a span processor of the project's sees them as upstream's:"


def _list(*, wire: bool) -> str:
    return "\n".join(f"- {each.reason}" for each in DEVIATIONS if each.at_the_wire is wire)


if __name__ == "__main__":
    PAGE.write_text(current())
