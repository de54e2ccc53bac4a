"""Which numbers were not there before, by a set."""

from __future__ import annotations


def first(calls):
    """Return, of each call's numbers, whether each was not there before, and how many there are then."""
    known, found = set(), []
    for numbers in calls:
        found.append([])
        for number in numbers:
            found[-1].append(int(number not in known))
            known.add(number)
    return found, len(known)
