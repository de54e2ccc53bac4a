"""Which findings are told, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from dealtrace_engine.lead_to_cash.findings_context import Candidate

THEMES: dict[str, str] = {
    **dict.fromkeys(("slow_step", "slow_approver", "slow_group", "quote_revisions", "stage_returns",
                     "slow_driver"), "time"),
    **dict.fromkeys(("late_payments", "overdue_unpaid", "late_customers", "late_group"), "cash"),
    **dict.fromkeys(("stalled_deals", "stuck_stage", "funnel_drop"), "pipeline"),
    **dict.fromkeys(("loss_reason", "weak_source", "loss_driver", "canceled_orders"), "losses"),
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


def foremost(
    parts: Sequence[Candidate], looked: Sequence[Candidate], most: int
) -> list[tuple[Candidate, Candidate]]:
    """Return the most important candidates, as a whole and in part.

    Of several of one kind, the first comes before any second; so do the first kinds of each theme. Those that
    are chosen are in the order of their money, then of days, then of cases.

    Parameters
    ----------
    parts : sequence of Candidate
        With those of their cases that are in a currency.
    looked : sequence of Candidate
        The same with all of their cases.
    most : int
    """

    def weight(pair: tuple[Candidate, Candidate]) -> tuple[float, float, int, str]:
        part = pair[1]
        days = 0.0 if part.days is None else float(part.days.sum())
        return -float(part.stake.sum()), -days, -len(part.cases), part.kind

    pairs = zip(looked, parts, strict=True)
    ranked = sorted((pair for pair in pairs if len(pair[1].cases)), key=weight)
    of_kind, of_theme = Counter[str](), Counter[tuple[int, str]]()
    turns = []
    for place, (_, part) in enumerate(ranked):
        turn, theme = of_kind[part.kind], THEMES.get(part.kind, part.kind)
        turns.append((turn, of_theme[turn, theme], place))
        of_kind[part.kind] += 1
        of_theme[turn, theme] += 1
    return [ranked[place] for place in sorted(place for *_, place in sorted(turns)[:most])]
