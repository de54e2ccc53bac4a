"""What may go with a target: groups of cases, by attributes, pairs of them, and what the cases did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.driver_levels import Levels
from dealtrace_engine.analyses.targets import RANKS, Kind

Sums = NDArray[np.int64]
"""Cases, scores and squares of scores; shape (n, 3)."""
SURE = 50
"""Where so many cases are expected in each cell, chi-squared is as good as Fisher's test."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Groups of cases that may go with a target.

    Attributes
    ----------
    family : str
        attribute, pair or pattern.
    keys : list of tuple
        What makes a group: attribute and level, twice for a pair; kind, activity and other.
    sums : ndarray of int64, shape (n, 3)
        Of the cases of the group.
    base : ndarray of int64, shape (n, 3)
        Of all that it is told against: those cases and the others.
    within : list of (ndarray of int64, shape (n, 3))
        What it is tested within: the base, or, for a pair, the cases of each of its parts.
    """

    family: str
    keys: list[tuple[Any, ...]]
    sums: Sums
    base: Sums
    within: list[Sums]

    def __len__(self) -> int:
        return len(self.keys)

    def at(self, rows: NDArray[Any]) -> Candidates:
        """Return some of them, by place or by truth value."""
        places = np.arange(len(self))[rows]
        return Candidates(
            self.family, [self.keys[at] for at in places], self.sums[places], self.base[places],
            [sums[places] for sums in self.within],
        )  # fmt: skip


def sums_by(codes: NDArray[np.int64], scores: NDArray[np.int64], count: int) -> Sums:
    """Return the sums of each group; negative codes are in none.

    Examples
    --------
    >>> sums_by(np.array([0, 1, 0, -1]), np.array([2, 5, 3, 7]), 2).tolist()
    [[2, 5, 13], [1, 5, 25]]
    """
    weights = (None, scores.astype(np.float64), (scores * scores).astype(np.float64))
    columns = [np.bincount(codes + 1, weights=weight, minlength=count + 1)[1:] for weight in weights]
    return np.stack(columns, axis=1).astype(np.int64)


def attribute_candidates(levels: Sequence[Levels], scores: NDArray[np.int64]) -> Candidates:
    """Return each level of each attribute, told against all other cases of its base."""
    keys: list[tuple[Any, ...]] = []
    sums, bases = [np.empty((0, 3), dtype=np.int64)], [np.empty((0, 3), dtype=np.int64)]
    for place, one in enumerate(levels):
        own = sums_by(one.codes, scores, len(one.texts))
        every = _all_of(scores, one.base)
        kept = np.flatnonzero(own[:, 0])
        if len(kept) == 2 and own[:, 0].sum() == every[0, 0]:  # each is what the other is not: the rarer
            kept = kept[[int(own[kept[1], 0] < own[kept[0], 0])]]
        keys += [(place, level) for level in kept.tolist()]
        sums.append(own[kept])
        bases.append(np.broadcast_to(every, (len(kept), 3)))
    base = np.concatenate(bases)
    return Candidates("attribute", keys, np.concatenate(sums), base, [base])


def _all_of(scores: NDArray[np.int64], base: NDArray[np.bool_]) -> Sums:
    return sums_by(np.where((scores >= 0) & base, 0, -1), scores, 1)


def pair_candidates(
    levels: Sequence[Levels], scores: NDArray[np.int64], smallest: int, left_out: Counter[str]
) -> Candidates:
    """Return pairs of levels of two attributes; cases of each part without the other must be enough too."""
    own = [sums_by(one.codes, scores, len(one.texts)) for one in levels]
    whole = [bool(one.base.all()) for one in levels]
    every = _all_of(scores, np.ones(len(scores), dtype=np.bool_))

    def part(of: int, beside: int) -> Sums:
        """Return the sums of each level of one attribute, over the base of the other."""
        if whole[beside]:
            return own[of]
        codes = np.where(levels[beside].base, levels[of].codes, -1)
        return sums_by(codes, scores, len(levels[of].texts))

    keys: list[tuple[Any, ...]] = []
    found, ones, others, bases = [], [], [], []
    for a, b in combinations(range(len(levels)), 2):
        width, both = len(levels[b].texts), (levels[a].codes >= 0) & (levels[b].codes >= 0)
        codes = np.where(both, levels[a].codes * width + levels[b].codes, -1)
        sums = sums_by(codes, scores, len(levels[a].texts) * width)
        cells = np.flatnonzero(sums[:, 0])
        one, other, sums = part(a, b)[cells // width], part(b, a)[cells % width], sums[cells]
        enough = (sums[:, 0] >= smallest) & (np.minimum(one, other)[:, 0] - sums[:, 0] >= smallest)
        left_out["pair with too few cases"] += int((~enough).sum())
        keys += [(a, cell // width, b, cell % width) for cell in cells[enough].tolist()]
        found.append(sums[enough])
        ones.append(one[enough])
        others.append(other[enough])
        base = every if whole[a] and whole[b] else _all_of(scores, levels[a].base & levels[b].base)
        bases.append(np.broadcast_to(base, found[-1].shape))
    nothing = [np.empty((0, 3), dtype=np.int64)]
    sums = np.concatenate(found or nothing)
    within = [np.concatenate(ones or nothing), np.concatenate(others or nothing)]
    return Candidates("pair", keys, sums, np.concatenate(bases or nothing), within)


def p_values(candidates: Candidates, kind: Kind) -> NDArray[np.float64]:
    """Return how probable a difference as large is by chance; of a pair, the larger of its two.

    Yes/no: Fisher's exact test, two-sided by doubling, or chi-squared with Yates' correction where at least
    `SURE` cases are expected in each cell. Numbers: Student's t on ranks, which is the Wilcoxon-Mann-Whitney
    test.

    Parameters
    ----------
    candidates : Candidates
    kind : {"yes/no", "number"}

    References
    ----------
    W. J. Conover and R. L. Iman, "Rank transformations as a bridge between parametric and nonparametric
    statistics", The American Statistician 35(3), 1981. The larger of two p-values: R. L. Berger and
    J. C. Hsu, "Bioequivalence trials, intersection-union tests and equivalence confidence sets", Statistical
    Science 11(4), 1996.
    """
    test = _of_shares if kind == "yes/no" else _of_ranks
    found = [test(candidates.sums, base) for base in candidates.within]
    return np.clip(np.max(found, axis=0), 0, 1) if len(candidates) else np.empty(0)


def _of_shares(sums: Sums, base: Sums) -> NDArray[np.float64]:
    from scipy.stats import chi2, hypergeom

    n, hits, of, all_hits = (x.astype(np.float64) for x in (sums[:, 0], sums[:, 1], base[:, 0], base[:, 1]))
    expected = n * all_hits / of
    least = np.minimum(
        np.minimum(expected, n - expected), np.minimum(all_hits - expected, of - all_hits - n + expected)
    )
    found = np.empty(len(sums))
    few = least < SURE
    shares = hypergeom(of[few], all_hits[few], n[few])
    tails = np.minimum(shares.cdf(hits[few]), shares.sf(hits[few] - 1))
    found[few] = 2 * np.asarray(tails, dtype=np.float64)
    n, hits, of, all_hits, expected = (x[~few] for x in (n, hits, of, all_hits, expected))
    off = np.maximum(np.abs(hits - expected) - 0.5, 0)
    found[~few] = chi2.sf(off**2 * of**3 / (n * (of - n) * all_hits * (of - all_hits)), 1)
    return found


def _of_ranks(sums: Sums, base: Sums) -> NDArray[np.float64]:
    from scipy.stats import t

    gap, error, freedom = _rank_gap(sums, base)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 2 * np.asarray(t.sf(np.abs(gap) / error, freedom), dtype=np.float64)
    return np.where(error > 0, found, np.where(gap == 0, 1.0, 0.0))


def _rank_gap(sums: Sums, base: Sums) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    n, total, square = sums.astype(np.float64).T
    m, rest, rest_square = (base - sums).astype(np.float64).T
    inside = (square - total**2 / n) + (rest_square - rest**2 / m)
    variance = np.maximum(inside, 0) / (n + m - 2)
    return total / n - rest / m, np.sqrt(variance * (1 / n + 1 / m)), n + m - 2


def weights(candidates: Candidates, kind: Kind) -> NDArray[np.float64]:
    """Return what they are ranked by: cases times the end of the interval of the effect that is nearer to 0.

    The effect is a difference of shares, or, of numbers, of mean ranks as a share of all ranks.
    """
    from dealtrace_engine.analyses.rate_intervals import difference

    sums, base = candidates.sums, candidates.base
    if kind == "yes/no":
        n, hits = sums[:, 0], sums[:, 1]
        _, low, high = difference(hits, n, base[:, 1] - hits, base[:, 0] - n)
    else:
        gap, error, _ = _rank_gap(sums, base)
        low, high = (gap - 1.96 * error) / RANKS, (gap + 1.96 * error) / RANKS
    nearer = np.where(low > 0, low, np.where(high < 0, -high, 0))
    return np.asarray(sums[:, 0] * nearer)


def tells(
    candidates: Candidates, kind: Kind, share: float | NDArray[np.float64] = 0.05
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which groups all but decide the target, by being in them, and by being outside of them.

    Yes/no: of the answer that is rarer there, they have at most `share` of what all have. Numbers: of every
    hundred pairs of a case inside and one outside, 99 are the same way round.

    Parameters
    ----------
    candidates : Candidates
    kind : {"yes/no", "number"}
    share : float or ndarray of float64, shape (n,)
        What is left of the other answer; it is of no account for numbers.
    """
    sums, base = candidates.sums.astype(np.float64), candidates.base.astype(np.float64)
    if kind == "number":
        gap = np.abs(_rank_gap(candidates.sums, candidates.base)[0]) * 2 / RANKS
        return gap >= 0.98, np.zeros(len(candidates), dtype=np.bool_)
    rate = base[:, 1] / base[:, 0]
    sure = p_values(candidates, kind) < 0.001
    found = []
    for part in (sums, base - sums):
        inside = part[:, 1] / np.where(part[:, 0] > 0, part[:, 0], np.nan)
        no = (inside <= share * rate) & (rate >= 0.1)
        yes = (1 - inside <= share * (1 - rate)) & (1 - rate >= 0.1)
        found.append(sure & (no | yes))
    return found[0], found[1]
