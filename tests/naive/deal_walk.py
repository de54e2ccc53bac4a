"""Plain twin of the walk back from a horizon, for one model after the other."""

from __future__ import annotations


def walk_back(stay, moves, ends, band_of_age, steps, found):
    """The chances of each state and age so many steps earlier."""
    for _ in range(steps):
        found = [
            [
                [
                    stay[model][state][band] * chances[state][min(age + 1, len(band_of_age) - 1)]
                    + ends[model][state][band]
                    + sum(chance * chances[to][0] for to, chance in enumerate(moves[model][state][band]))
                    for age, band in enumerate(band_of_age)
                ]
                for state in range(len(chances))
            ]
            for model, chances in enumerate(found)
        ]
    return found
