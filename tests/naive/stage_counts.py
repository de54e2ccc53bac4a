"""Visits and cases counted by stage; a visit is a dictionary of what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from naive.stages import Visit


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


def passed_over(rank: int, origin: int, state: int, open_stages: int, is_lost: bool) -> set[int]:
    """Stages that a case passes over on its way into a visit and out of it."""
    moved_in = 0 <= origin < open_stages and not is_lost
    into = {stage for stage in range(open_stages) if origin < stage < rank} if moved_in else set()
    return into | {stage for stage in range(open_stages) if state == 3 and stage > rank}


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


def pair_state(visits: int, still: int) -> str:
    """Whether a case was never in a stage, is in it still, or left it."""
    return "never" if not visits else "still" if still else "left"


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
