"""Which findings are told, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dealtrace_engine.lead_to_cash.findings_context import Candidate

THEMES: dict[str, str] = {
    **dict.fromkeys(("slow_step", "slow_approver", "slow_group", "quote_revisions", "stage_returns",
                     "slow_driver", "slow_pattern"), "time"),
    **dict.fromkeys(("late_payments", "overdue_unpaid", "late_customers", "late_group"), "cash"),
    **dict.fromkeys(("stalled_deals", "stuck_stage", "funnel_drop"), "pipeline"),
    **dict.fromkeys(("loss_reason", "weak_source", "loss_driver", "loss_pattern",
                     "canceled_orders"), "losses"),
    **dict.fromkeys(("unapproved_discounts", "broken_rule"), "rules"),
}  # fmt: skip
"""What kinds are about: each theme has its say before another has its second, as amounts dwarf costs."""


def distinct(looked: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates without those that are about what one before them is about.

    Examples
    --------
    >>> import numpy as np
    >>> cases = np.array([0])
    >>> both = [Candidate(kind, "lost", cases, cases * 1.0, about="region = North") for kind in ("a", "b")]
    >>> [one.kind for one in distinct([*both, Candidate("c", "lost", cases, cases * 1.0)])]
    ['a', 'c']
    """
    told: dict[str | int, Candidate] = {}
    for number, candidate in enumerate(looked):
        told.setdefault(candidate.about or number, candidate)
    return list(told.values())


def foremost(candidates: Iterable[Candidate], most: int) -> list[Candidate]:
    """Return the most important candidates.

    Of several of one kind, the first comes before any second; so do the first kinds of each theme. Those that
    are chosen are in the order of their money, then of days, then of cases.

    Parameters
    ----------
    candidates : iterable of Candidate
    most : int
    """

    def weight(one: Candidate) -> tuple[float, float, int, str]:
        days = 0.0 if one.days is None else float(one.days.sum())
        return -float(one.stake.sum()), -days, -len(one.cases), one.kind

    ranked = sorted((one for one in candidates if len(one.cases)), key=weight)
    of_kind, of_theme = Counter[str](), Counter[tuple[int, str]]()
    turns = []
    for place, one in enumerate(ranked):
        turn, theme = of_kind[one.kind], THEMES.get(one.kind, one.kind)
        turns.append((turn, of_theme[turn, theme], place))
        of_kind[one.kind] += 1
        of_theme[turn, theme] += 1
    return [ranked[place] for place in sorted(place for *_, place in sorted(turns)[:most])]
