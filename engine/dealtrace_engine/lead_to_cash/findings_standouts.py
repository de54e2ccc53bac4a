"""Who or what stands behind a finding: the group in which it happens clearly more often than elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.false_discovery import adjusted_p_values
from dealtrace_engine.analyses.rate_intervals import p_values
from dealtrace_engine.analyses.rep_benchmark import REPS
from dealtrace_engine.lead_to_cash.findings_context import Context

LOOKED_AT = (
    ("region", "territory", "sales_region"), ("team", "business_unit"), ("segment", "customer_segment"),
    ("product", "product_category", "product_family"), ("country",), REPS,
)  # fmt: skip
"""Who and what is looked at; of each, the first attribute that the log has."""
FEWEST = 10
"""Cases of a group that is named; what fewer did is a single person's or deal's own story."""
MOST_GROUPS = 200
TIMES = 1.5
"""So many times as often as elsewhere is clearly more often."""
LEVEL = 0.01
"""Of the findings that nothing stands behind, so many name a group by chance."""


class Tally(NamedTuple):
    """How often something happens in the groups by an attribute.

    Attributes
    ----------
    values : sequence
        What the groups are called, None where the attribute has no value.
    hits, of : ndarray of int64, shape (groups,)
        The cases in which it happens, and those in which it could.
    """

    values: Sequence[Any]
    hits: NDArray[np.int64]
    of: NDArray[np.int64]


class Standout(NamedTuple):
    """What to add to the numbers and the names of a candidate; nothing where no group stands out."""

    numbers: dict[str, float]
    names: dict[str, str]


def standout(context: Context, hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> Standout:
    """Return the group in which something happens clearly more often than elsewhere.

    Parameters
    ----------
    context : Context
    hits, of : ndarray of bool, shape (cases,)
        The cases in which it happens, and those in which it could.
    """

    def tally(name: str) -> Tally:
        groups = context.groups([name])
        assert groups is not None
        counts = (np.bincount(groups.codes[own], minlength=len(groups)) for own in (hits & of, of))
        return Tally(groups.keys.column(name).to_pylist(), *counts)

    return foremost_group({name: tally(name) for name in grouped_by(context)})


def grouped_by(context: Context) -> list[str]:
    """Return the attributes in whose groups something is looked for."""
    names = dict.fromkeys(filter(None, map(context.attribute, LOOKED_AT)))
    return [name for name in names if 1 < len(context.groups([name]) or ()) <= MOST_GROUPS]


def foremost_group(tallies: Mapping[str, Tally]) -> Standout:
    """Return the group that sets what happens apart best: that with the smallest p-value.

    Each group is compared with all others by the chi-squared or Fisher's exact test. Regions, their reps and
    products overlap: the false discovery rate over all that could be named is controlled by Benjamini and
    Yekutieli's method, which holds whatever the tests have to do with each other.

    Parameters
    ----------
    tallies : mapping of str to Tally
        By attribute; of groups that are the same cases, that of the first attribute is named.

    Examples
    --------
    >>> counts = (np.array([30, 6, 5]), np.array([50, 60, 55]))
    >>> foremost_group({"region": Tally(["North", "South", None], *counts)}).names
    {'standout_attribute': 'region', 'standout_group': 'North'}
    """
    found: list[tuple[float, float, Standout]] = []
    for name, (values, hits, of) in tallies.items():
        named = np.array([value is not None for value in values], dtype=np.bool_)
        told = np.flatnonzero(named & (of >= FEWEST) & (of.sum() - of >= FEWEST))
        own, among = hits[told], of[told]
        rest, others = hits.sum() - own, of.sum() - among
        share, elsewhere, p = own / among, rest / others, np.ones(len(told))
        more = share > TIMES * elsewhere
        p[more] = p_values(own[more], among[more], rest[more], others[more])
        for place, group in enumerate(told.tolist()):
            numbers = {
                "standout_share": float(share[place]),
                "standout_others_share": float(elsewhere[place]),
            }
            names = {"standout_attribute": name, "standout_group": str(values[group])}
            gain = float(share[place] - elsewhere[place])
            found.append((float(p[place]), -gain, Standout(numbers, names)))
    if not found or adjusted_p_values(np.array([one[0] for one in found])).min() > LEVEL:
        return Standout({}, {})
    return min(found, key=lambda one: one[:2])[2]
