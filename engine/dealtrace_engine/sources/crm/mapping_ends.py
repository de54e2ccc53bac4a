"""Where ready times begin and end instead, as a mapping file says it."""

from __future__ import annotations

import re

MOVABLE = (
    "K1.s", "K1.d", "K1.w", "K2.s", "K2.d", "K5", "K6.o", "K6.l", "K7.t", "K8.s", "K8.d", "K9.s", "K9.d",
    "K11", "K11.d", "K11.a", "K12.s", "K12.d", "K13", "K14", "K15.g", "K15.s", "K16.s", "K16.g", "K18.t",
)  # fmt: skip
"""Times between activities; ``K11`` is the segment of all approvals, the others are KPIs or both."""
PARTS = ("from", "to", "last")
_ID = re.compile(r"[a-z][a-z0-9_]*")


def looks_canonical(name: str) -> bool:
    """Whether a name is written as canonical ids are, so that it must be one.

    Examples
    --------
    >>> looks_canonical("order_activated"), looks_canonical("Stage: Legal review")
    (True, False)
    """
    return _ID.fullmatch(name) is not None
