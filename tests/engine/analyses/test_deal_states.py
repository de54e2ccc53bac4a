"""What was known of deals at an instant: against plain twins, whatever the log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import logs
from dealtrace_engine.analyses.deal_states import deal_times, states_at, visits_until
from dealtrace_engine.sources.memory import from_arrow
from naive import deal_states as naive

NAMES = [logs.activity_name(number) for number in range(6)]
WAY, WON, LOST, REOPENED = NAMES[:3], NAMES[3:4], NAMES[4:5], NAMES[5:6]
OUTCOMES = {-1: "later", 0: "open", 1: "won", 2: "lost"}


def made(events):
    return logs.log(*((event.case, event.activity, event.time_us) for event in events), ("z", WON[0], 0))


@given(logs.event_logs(), st.integers(0, 39))
def test_states_and_visits_are_those_of_the_twins(events, which):
    events = made(events)
    log = from_arrow(logs.table(events))
    cases = [[(e.activity, e.time_us) for e in own] for own in logs.by_case(events).values()]
    cut = events[which % len(events)].time_us
    times = deal_times(log, way=WAY, won=WON, lost=LOST, reopened=REOPENED)
    rules = (cut, WAY, WON, LOST, REOPENED)
    place = {name: number for number, name in enumerate(times.states)}
    found, expected = states_at(times, cut), [naive.state_at(case, *rules) for case in cases]
    assert [OUTCOMES[code] for code in found.outcome.tolist()] == [outcome for outcome, _, _ in expected]
    for case, (outcome, state, since) in enumerate(expected):
        if outcome != "later":
            name = "begun" if state == -1 else WAY[state]
            assert (found.state[case], found.since[case]) == (place[name], since)
    visits = visits_until(times, cut)
    names = {**place, "won": len(place), "lost": len(place) + 1, None: -1, -1: 0}
    names |= {number: place[name] for number, name in enumerate(WAY) if name in place}
    stays = [
        (case, names[state], stayed, names[leaves])
        for case, own in enumerate(cases)
        for state, stayed, leaves in naive.visits(own, *rules)
    ]
    columns = (visits.case, visits.state, visits.stayed, visits.exit)
    assert sorted(zip(*(part.tolist() for part in columns), strict=True)) == sorted(stays)
