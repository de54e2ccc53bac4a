"""Plain twin of the walk back from a horizon, for one model after the other."""

from __future__ import annotations


def walk_back(stay, moves, ends, bounds, steps, found):
    """The chances of each state and age so many steps earlier, and the sums at age 0 on the way."""
    bands = [band for band in range(len(bounds) - 1) for _ in range(bounds[band], bounds[band + 1])]
    entered = [[0.0 for _ in chances] for chances in found]
    for _ in range(steps):
        found = [
            [
                [
                    stay[model][state][band] * chances[state][min(age + 1, len(bands) - 1)]
                    + ends[model][state][band]
                    + sum(moves[model][state][to][band] * chances[to][0] for to in range(len(chances)))
                    for age, band in enumerate(bands)
                ]
                for state in range(len(chances))
            ]
            for model, chances in enumerate(found)
        ]
        entered = [
            [total + ages[0] for total, ages in zip(totals, chances, strict=True)]
            for totals, chances in zip(entered, found, strict=True)
        ]
    return found, entered
