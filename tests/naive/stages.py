"""Visits of cases to stages; a case is its list of events as dictionaries of what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
