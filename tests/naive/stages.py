"""Visits of cases to stages; a case is its list of events as dictionaries of what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Event = Mapping[str, Any]
Visit = dict[str, Any]


def next_origin(events: Sequence[Event]) -> object:
    """The stage before the first event that tells one."""
    told = [event for event in events if event["stage"] is not None or event["origin"] is not None]
    return told[0]["origin"] if told else None


def telling_events(case: Sequence[Event]) -> list[int]:
    """Places of events that may tell something new, in any case those with an effect or another stage."""
    found, told = [], None
    for place, event in enumerate(case):
        if event["effect"] is not None or event["stage"] not in (None, told):
            found.append(place)
        told = None if event["effect"] is not None else told if event["stage"] is None else event["stage"]
    return found


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
            stage = next_origin(case[place + 1 :])
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


def begin_pair() -> tuple[int, int, int]:
    """Visits, visits that are not over and time in total of a stage that no visit is to."""
    return 0, 0, 0


def stages_of_cases(
    visits: Sequence[Visit], open_stages: int, lost: set[int]
) -> dict[int, tuple[int, int, int]]:
    """Visits, visits that are not over and time in total of each stage; zeros where it is passed over."""
    found: dict[int, tuple[int, int, int]] = {}
    over: set[int] = set()
    for visit in visits:
        rank, origin = visit["rank"], visit["origin"]
        times, still, dwell = found.get(rank, begin_pair())
        found[rank] = (times + 1, still + (visit["state"] == 0), dwell + visit["dwell"])
        over |= passed_over(rank, origin, visit["state"], open_stages, rank in lost)
    return dict.fromkeys(over, begin_pair()) | found


def passed_over(rank: int, origin: int, state: int, open_stages: int, is_lost: bool) -> set[int]:
    """Stages that a case passes over on its way into a visit and out of it."""
    moved_in = 0 <= origin < open_stages and not is_lost
    into = {stage for stage in range(open_stages) if origin < stage < rank} if moved_in else set()
    return into | {stage for stage in range(open_stages) if state == 3 and stage > rank}


def bits_between(first: int, last: int) -> int:
    """The number with these bits."""
    return sum(1 << bit for bit in range(first, min(last, 62)))


def stages_again(visits: Sequence[Visit], open_stages: int, lost: set[int]) -> list[tuple[int, int]]:
    """Stages that a case was in and left, and the time in total in each."""
    found = stages_of_cases(visits, open_stages, lost).items()
    return [(stage, dwell) for stage, (times, still, dwell) in found if pair_state(times, still) == "left"]


def stage_counts(
    visits: Sequence[Visit], open_stages: int, lost: set[int], stages: int
) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """Counts of a case by stage, and the time in total in each that it left."""
    counts = [[0] * 11 for _ in range(stages)]
    for visit in visits:
        own, origin = counts[visit["rank"]], visit["origin"]
        own[0] += 1
        own[1] += visit["state"] == 0
        if visit["kind"] == 3:
            own[2] += 1
            counts[origin][3] += 1
        for kind in visit["changes"]:
            own[4 + kind] += 1
    for stage, (times, still, _) in stages_of_cases(visits, open_stages, lost).items():
        counts[stage][8 + ("never", "still", "left").index(pair_state(times, still))] += 1
    return counts, stages_again(visits, open_stages, lost)


def group_kept(
    rows: Sequence[int], kept: Sequence[bool], values: Sequence[int], count: int
) -> list[list[int]]:
    """The values that are kept, by row, in their order."""
    flat = list(zip(rows, kept, values, strict=True))
    return [[value for row, keep, value in flat if keep and row == wanted] for wanted in range(count)]


def count_kept(rows: Sequence[int], kept: Sequence[bool], count: int) -> list[int]:
    """How many are kept by row, then how many are not."""
    pairs = list(zip(rows, kept, strict=True))
    return [pairs.count((row, keep)) for keep in (True, False) for row in range(count)]


def pair_state(visits: int, still: int) -> str:
    """Whether a case was never in a stage, is in it still, or left it."""
    return "never" if not visits else "still" if still else "left"
