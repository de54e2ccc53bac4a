"""Findings that grow piece by piece, and that are not counted twice when a table is read again."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from dealtrace_engine.quality import Finding

_one_at_a_time = Lock()


def counted(findings: list[Finding], reason: str, count: int, rows: Sequence[int] = ()) -> None:
    """Add to the finding of a reason; nothing where nothing was counted.

    Parameters
    ----------
    findings : list of Finding
    reason : str
    count : int
    rows : sequence of int
        The first of them, from 1.
    """
    if not count:
        return
    found = next((finding for finding in findings if finding.reason == reason), None)
    if found is None:
        found = Finding(reason)
        findings.append(found)
    found.add(count, rows)


def noted(findings: list[Finding], found: Sequence[Finding]) -> None:
    """Add what was found in one reading, instead of what an earlier reading of the same found."""
    reasons = {finding.reason for finding in found}
    with _one_at_a_time:
        findings[:] = [finding for finding in findings if finding.reason not in reasons]
        findings.extend(found)
