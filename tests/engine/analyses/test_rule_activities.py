"""Activities of rules that nobody knows."""

from __future__ import annotations

import pytest

from dealtrace_engine.analyses.rule_activities import unknown_activities
from dealtrace_engine.models.rules import Rule, Rules
from rule_logs import small

LOG = [("1", "Zahlung erhalten", 1), ("1", "Pause", 2), ("1", "Caf\u00e9", 3)]


@pytest.mark.parametrize(
    ("rule", "unknown"),
    [
        ({"activity": ("Pause", "payment_received", "Zahlung erhalten", "Cafe\u0301")}, []),
        ({"activity": ("quote_accepted", "Quote Accepted", "Devis accept\u00e9")}, []),  # may be absent
        ({"activity": "Pose"}, [("Pose", ["Pause"])]),
        ({"activity": "Payment Received"}, [("Payment Received", ["Zahlung erhalten"])]),  # it is there
        ({"activity": ("Payment Received", "Zahlung erhalten")}, []),
        ({"activity": "zahlung erhalten"}, [("zahlung erhalten", ["Zahlung erhalten"])]),
        ({"template": "response", "activity": "Pause", "other": "X", "given": "Y"}, [("X", []), ("Y", [])]),
        ({"template": "no_skip", "order": ("Pause", "Pose | X")}, [("Pose", ["Pause"]), ("X", [])]),
        ({"template": "no_skip", "order": ("a", "b"), "attribute": "stage"}, []),
    ],
)  # fmt: skip
def test_unknown_activities(rule, unknown):
    rules = Rules((Rule(**{"id": "r", "template": "existence", **rule}),))
    assert [(one.activity, one.near) for one in unknown_activities(small(LOG), rules)] == unknown
