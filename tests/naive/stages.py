"""Visits of cases to stages; a case is its list of events as dictionaries of what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Event = Mapping[str, Any]
Visit = dict[str, Any]


def stage_visits(case: Sequence[Event], closed: set[object], until: int, known_from: int) -> list[Visit]:
    """Each visit: stage, begin, end (None if not over), how it ended, and the changes during it."""
    visits: list[Visit] = []
    within = [event for event in case if event["time"] <= until]
    for place, event in enumerate(within):
        now = visits[-1] if visits and visits[-1]["state"] == 0 else None
        if now is not None and event["effect"] in ("push", "amount", "owner"):
            now[event["effect"]] += 1
        stage = event["stage"]
        ends = stage is None and event["effect"] in ("close", "win")
        if ends and now is not None and now["stage"] not in closed:
            now.update(end=event["time"], state=2 if event["effect"] == "close" else 3)
            now = None
        inactive = now is None or now["stage"] in closed
        if stage is None and event["effect"] == "open" and inactive and event["time"] >= known_from:
            told = [e for e in case[place + 1 :] if e["stage"] is not None or e["origin"] is not None]
            stage = told[0]["origin"] if told else None
        if stage is None or (now is not None and stage == now["stage"]):
            continue
        if now is not None:
            now.update(end=event["time"], state=1)
        unseen = not visits and event["origin"] is not None
        visits.append({"stage": stage, "begin": event["time"], "end": None, "state": 0, "unseen": unseen,
                       "push": 0, "amount": 0, "owner": 0})  # fmt: skip
    return visits


def first_entries(case: Sequence[object]) -> set[tuple[object, object]]:
    """Pairs of stages that a case enters in this order."""
    order = list(dict.fromkeys(case))
    return {(one, other) for place, one in enumerate(order) for other in order[place + 1 :]}


def visit_kinds(ranks: Sequence[int], left: Sequence[bool], open_stages: int) -> list[tuple[int, int]]:
    """Origin (-1 for none) and kind of each visit of a case."""
    found = [(-1, 0)]
    for (before, gone), (rank, _) in pairwise(zip(ranks, left, strict=True)):
        origin = -1 if gone else before
        if rank >= open_stages:
            kind = 4
        elif not 0 <= origin < open_stages:
            kind = 5
        else:
            kind = 3 if rank < origin else 1 if rank == origin + 1 else 2
        found.append((origin, kind))
    return found if ranks else []


def stages_of_cases(
    ranks: Sequence[int], origins: Sequence[int], won: Sequence[bool], open_stages: int, lost: set[int]
) -> tuple[dict[int, int], set[int]]:
    """How often a case is in each stage, and which it passes over."""
    visits = {rank: ranks.count(rank) for rank in ranks}
    over = {
        stage
        for origin, rank in zip(origins, ranks, strict=True)
        if 0 <= origin < open_stages and rank not in lost
        for stage in range(origin + 1, min(rank, open_stages))
    }
    over |= {
        s for rank, at_end in zip(ranks, won, strict=True) if at_end for s in range(rank + 1, open_stages)
    }
    return visits, over - visits.keys()
