"""What a test says of a finding: the row of the table it is, and the line to change, to the letter."""

from __future__ import annotations

from collections.abc import Iterable

from django_observe.doctor.finding import BROKEN, Finding
from tests.doctor.faulttable import assert_found


def diagnosed(findings: Iterable[Finding], fault: str, change: str) -> Finding:
    """The one finding that is broken: as the table has `fault`, and with exactly this line to change."""
    known = list(findings)
    assert_found(known, fault)
    [found] = [each for each in known if each.state == BROKEN]
    assert found.change == change
    return found
