"""Positions that are not needed beside others, because those accept all that they do.

After ``A -> .{0,20} -> B`` has read two A, the older one can lead to nothing that the newer one does not:
leaving it out makes 22 sets of positions of what would be a million.

References
----------
Henzinger, M. R.; Henzinger, T. A.; Kopke, P. W. (1995). Computing simulations on finite and infinite graphs.
FOCS 1995, 453-462.
"""

from __future__ import annotations

from collections.abc import Sequence

from dealtrace_engine.patterns.positions import Positions, members

MOST_POSITIONS = 400
MOST_WORK = 500_000
"""Set operations; above either bound nothing is left out, which is as right."""


def covers(positions: Positions, readers: Sequence[int]) -> list[int]:
    """Return for each position those that cover it, itself among them.

    One position covers another if it reads every activity that the other reads, may be the last wherever the
    other may, and for all that may follow the other, something that covers it may follow the one.

    Parameters
    ----------
    positions : Positions
    readers : sequence of int
        The positions that read each class of activities.

    Returns
    -------
    list of int
        Sets as bits; each position alone where finding out would take long.
    """
    alone = [1 << position for position in range(len(positions.follow))]
    if len(alone) > MOST_POSITIONS:
        return alone
    found, before = _at_first_sight(positions, readers), _predecessors(positions.follow)
    pending, work = set(range(len(alone))), 0
    while pending:
        follower = pending.pop()
        allowed = 0
        for position in members(found[follower]):
            allowed |= before[position]
        for position in members(before[follower]):
            if found[position] & ~allowed:
                found[position] &= allowed
                pending.add(position)
        work += found[follower].bit_count() + before[follower].bit_count()
        if work > MOST_WORK:
            return alone
    return found


def _at_first_sight(positions: Positions, readers: Sequence[int]) -> list[int]:
    """Compare what is read and where it may be the last, not yet what follows."""
    whole, everything = positions.whole, (1 << len(positions.follow)) - 1
    found = [everything] * len(positions.follow)
    for alike in (*readers, whole.last, whole.last_at_end):
        for position in members(alike):
            found[position] &= alike
    return found


def _predecessors(follow: Sequence[int]) -> list[int]:
    before = [0] * len(follow)
    for position, followers in enumerate(follow):
        for follower in members(followers):
            before[follower] |= 1 << position
    return before


def without_covered(reach: int, covered_by: Sequence[int]) -> int:
    """Leave out the positions that others in the set cover; of several alike the last stays."""
    for position in members(reach):
        if reach & covered_by[position] & ~(1 << position):
            reach ^= 1 << position
    return reach
