"""Sums of violations, as their definitions read."""


def sum_violations(rows, cells, rules):
    """Of each cell and rule: violating and accepted cases, violations, days late; and broken cases per cell.

    A row is rule, case, delay and whether it is accepted.
    """
    sums = {}
    for cell in sorted(set(cells)):
        for rule in range(rules):
            own = [row for row in rows if row[0] == rule and cells[row[1]] == cell]
            counted = [row for row in own if not row[3]]
            sums[cell, rule] = (
                len({case for _, case, _, _ in counted}),
                len({case for _, case, _, accepted in own if accepted}),
                len(counted),
                sum(late for _, _, late, _ in counted if late > 0),
            )
    broken = {case for _, case, _, accepted in rows if not accepted}
    return sums, {cell: sum(cells[case] == cell for case in broken) for cell in sorted(set(cells))}
