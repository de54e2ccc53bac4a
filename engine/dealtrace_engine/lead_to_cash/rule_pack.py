"""The ready rules for lead-to-cash."""

from __future__ import annotations

from dealtrace_engine.models.rule_file import ready_rules
from dealtrace_engine.models.rules import Rules


def lead_to_cash_rules() -> Rules:
    """Return the ready rule pack, which `check_rules` takes where none is given.

    Examples
    --------
    >>> pack = lead_to_cash_rules()
    >>> pack["self-approval"].template, pack["self-approval"].name_in("de")
    ('four_eyes', 'Eigenen Rabatt genehmigt oder abgelehnt')
    """
    return ready_rules()
