"""What is known of each deal at an instant: how far it got, since when, and whether it is closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.milestones import NEVER, reached, wanted_activities
from dealtrace_engine.log import EventLog

LATER = np.iinfo(np.int64).max
"""The instant of what has not happened yet."""
BEGUN = "begun"
WAY = (
    "lead_captured", "lead_qualified", "lead_converted", "opportunity_created", "first_customer_contact",
    "solution_proposed", "quote_created", "discount_approval_requested", "quote_issued", "quote_revised",
    "quote_accepted", "contract_created", "contract_signed",
)  # fmt: skip
"""The milestones of a deal before it is closed; how far it got is the last of them that it reached."""
WON = ("opportunity_won",)
LOST = ("opportunity_lost", "lead_disqualified")
REOPENED = ("opportunity_reopened",)


@dataclass(frozen=True, eq=False)
class DealTimes:
    """When deals reach the milestones on their way, and when they are closed or opened again.

    Attributes
    ----------
    states : tuple of str
        `BEGUN` and the milestones that the log has, in their order.
    firsts : ndarray of int64, shape (states, cases)
        Microseconds since 1970-01-01 UTC, `LATER` where it does not happen.
    closings : tuple of (ndarray of int64, ndarray of int64, ndarray of int8), each of shape (n,)
        Events that close (1 won, 2 lost) or open again (0): case, instant, kind; in the order of the log.
    begun : ndarray of int64, shape (cases,)
    last : int
        The latest instant in the log.
    """

    states: tuple[str, ...]
    firsts: NDArray[np.int64]
    closings: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8]]
    begun: NDArray[np.int64]
    last: int

    def taken(self, order: NDArray[np.int64]) -> DealTimes:
        """Return the same with the cases in another order."""
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        cases = place[self.closings[0]]
        events = np.argsort(cases, kind="stable")
        closings = (cases[events], self.closings[1][events], self.closings[2][events])
        return DealTimes(self.states, self.firsts[:, order], closings, self.begun[order], self.last)


def deal_times(
    log: EventLog, *, way: Sequence[str] = WAY, won: Sequence[str] = WON, lost: Sequence[str] = LOST,
    reopened: Sequence[str] = REOPENED, threads: int | None = None,
) -> DealTimes:  # fmt: skip
    """Find when deals reach milestones; those that the log does not have are left out.

    Raises
    ------
    SchemaError
        The log has none of the activities that win a deal.
    """
    there = [name for name in way if wanted_activities(log, [name], missing=True).any()]
    firsts = np.empty((len(there) + 1, log.cases), dtype=np.int64)
    firsts[0] = log.case_starts
    for place, name in enumerate(there, 1):
        firsts[place] = reached(log, [name], threads=threads).firsts
    firsts[firsts == NEVER] = LATER
    kinds = np.full(len(log.activities), -1, dtype=np.int8)
    kinds[wanted_activities(log, reopened, missing=True)] = 0
    kinds[wanted_activities(log, won, missing=len(won) > 1)] = 1
    kinds[wanted_activities(log, lost, missing=True)] = 2
    events = np.flatnonzero(kinds[log.activity_codes] >= 0)
    cases = np.searchsorted(log.case_offsets, events, side="right").astype(np.int64) - 1
    closings = (cases, log.timestamps[events], kinds[log.activity_codes[events]])
    return DealTimes((BEGUN, *there), firsts, closings, log.case_starts, log.span[1])


@dataclass(frozen=True, eq=False)
class DealStates:
    """What was known of deals at an instant, from the events up to it alone.

    Attributes
    ----------
    cut : int
        Microseconds since 1970-01-01 UTC.
    closed_at : ndarray of int64, shape (cases,)
        `LATER` where it was not closed.
    outcome : ndarray of int8, shape (cases,)
        0 open, 1 won, 2 lost, -1 not there yet.
    state : ndarray of int64, shape (cases,)
        How far it was, as a place in `DealTimes.states`.
    since : ndarray of int64, shape (cases,)
        When it got there.
    """

    cut: int
    closed_at: NDArray[np.int64]
    outcome: NDArray[np.int8]
    state: NDArray[np.int64]
    since: NDArray[np.int64]


def states_at(times: DealTimes, cut: int) -> DealStates:
    """Return what was known of deals at an instant.

    A deal is closed by the first event that closes it after the last one that opened it again.
    """
    closed_at, outcome = _closed(times, cut)
    reached_by = np.where(times.firsts <= np.minimum(cut, closed_at - 1), times.firsts, LATER)
    reached_by[0] = times.begun
    far = len(times.states) - 1 - np.argmax(reached_by[::-1] < LATER, axis=0)
    since = reached_by[far, np.arange(len(far))]
    outcome[times.begun > cut] = -1
    return DealStates(cut, closed_at, outcome, far, since)


def _closed(times: DealTimes, cut: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return when each deal was closed, and how."""
    cases, instants, kinds = times.closings
    seen = instants <= cut
    cases, instants, kinds = cases[seen], instants[seen], kinds[seen]
    count = len(times.begun)
    reopened = np.full(count, -1, dtype=np.int64)
    again = np.flatnonzero(kinds == 0)
    np.maximum.at(reopened, cases[again], again)
    closing = np.flatnonzero(kinds > 0)
    closing = closing[closing > reopened[cases[closing]]]
    first = np.full(count, len(cases), dtype=np.int64)
    np.minimum.at(first, cases[closing], closing)
    has = first < len(cases)
    closed_at, outcome = np.full(count, LATER, dtype=np.int64), np.zeros(count, dtype=np.int8)
    closed_at[has], outcome[has] = instants[first[has]], kinds[first[has]]
    return closed_at, outcome


@dataclass(frozen=True, eq=False)
class Visits:
    """Stays of deals in states, up to an instant.

    Attributes
    ----------
    state : ndarray of int64, shape (n,)
    stayed : ndarray of int64, shape (n,)
        Microseconds until it was left, or until the instant.
    case : ndarray of int64, shape (n,)
    exit : ndarray of int64, shape (n,)
        Where to: a state, the number of states for won, one more for lost, -1 where it was not left.
    """

    state: NDArray[np.int64]
    stayed: NDArray[np.int64]
    case: NDArray[np.int64]
    exit: NDArray[np.int64]


def visits_until(times: DealTimes, cut: int) -> Visits:
    """Return how long deals were in each state before an instant; stays of no length are passed over."""
    closed_at, outcome = _closed(times, cut)
    there = times.begun <= cut
    end = np.minimum(closed_at, cut)
    best = np.where(closed_at <= cut, closed_at, LATER)
    rank = np.where(outcome > 0, len(times.states) + outcome.astype(np.int64) - 1, -1)
    parts: list[tuple[NDArray[np.int64], ...]] = []
    for state in range(len(times.states) - 1, -1, -1):
        first = times.firsts[state]
        comes = (first < best) & (first < end) & there
        own = np.flatnonzero(comes)
        left = np.minimum(best[own], end[own])
        parts.append((np.full(len(own), state, dtype=np.int64), left - first[own], own, rank[own]))
        best, rank = np.where(comes, first, best), np.where(comes, state, rank)
    return Visits(*(np.concatenate(each) for each in zip(*parts, strict=True)))
