"""Where work waits: which person, team or department takes longer than the others to do the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.analyses.case_rows import CaseRows
from dealtrace_engine.analyses.place_comparison import Places, compared
from dealtrace_engine.analyses.wait_figures import cash_days, distinct_counts, measured
from dealtrace_engine.analyses.waits import MOST_ROWS, Waits, in_rows
from dealtrace_engine.attributes import codes_of, sortable
from dealtrace_engine.buffers import arrow, table
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.results import Later, LogReference, Result, made

COLUMNS = ("source", "target", "count", "cases", "total_s", "mean_s", "p50_s", "p90_s", "share", "cash_days",
           "others_p50_s", "excess_s", "excess_low_s", "excess_total_s", "note")  # fmt: skip


@dataclass(frozen=True, eq=False)
class WaitingPlaces(Result):
    """Waits by edge and by what the event that was waited for says of one attribute: the approver, for
    example.

    Attributes
    ----------
    attribute : str
    table : pyarrow.Table
        The attributes that were grouped by; currency, where there are amounts; source, target: text; a column
        called as the attribute; count: waits; cases; total_s, mean_s, p50_s, p90_s: seconds; share of all
        waiting time; cash_days: sum of amount x days, where there are amounts; others_p50_s: exact median of
        the waits for others on the same edge, in the same group and currency, in seconds; excess_s: median
        less that of the others; excess_low_s: what it is at least, with 95 % confidence for all rows at once,
        null where the others are too few to tell; excess_total_s: excess_s x count; note: why there is no
        excess.

        Neither compared nor among the others is what is done for nobody that is named, or at once: where
        half of the waits are shorter than a second, a system does it.

        By currency; first those whose excess_low_s is above zero, by excess_low_s x count, then the others by
        excess_total_s, largest first; those without an excess last, by cash_days, or total_s where there are
        no amounts, largest first; then by text.
    """

    attribute: str
    table: pa.Table
    _totals: Later[pa.Table]
    _rows: CaseRows
    _log: LogReference
    definition: ClassVar[str] = "waiting_places 2"

    @property
    def _table(self) -> pa.Table:
        return self.table

    @property
    def totals(self) -> pa.Table:
        """How long is waited for each, whatever for: one row per group and value of the attribute.

        The columns of `table` up to cash_days, without source and target; by currency, then by cash_days, or
        total_s where there are no amounts, largest first, then by text.
        """
        return self._totals()

    def cases(self, row: int) -> pa.LargeStringArray:
        """Return the ids of the cases of a row of `table`.

        Raises
        ------
        ArgumentError
            There is no such row.
        """
        return self._rows.cases(row)

    def __repr__(self) -> str:
        return f"WaitingPlaces: {len(self.table):,} rows by {self.attribute}"


def waiting_places(waits: Waits, attribute: str, threads: int | None = None) -> WaitingPlaces:
    """Return waits by edge and by an attribute of the event that was waited for.

    Parameters
    ----------
    waits : Waits
    attribute : str
        A column, or the role resource.
    threads : int, optional

    Raises
    ------
    SchemaError
        There is no such column, or it is called like another one of the result.

    Examples
    --------
    >>> from dealtrace_engine.analyses.priced_groups import priced_groups
    >>> from dealtrace_engine.analyses.waits import waits_of
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> days = ["2024-01-01", "2024-01-02", "2024-01-01", "2024-01-09"] * 5
    >>> log = from_arrow(pa.table({"activity": ["ask", "approve"] * 10, "time": days,
    ...                            "case": [str(n // 2) for n in range(20)],
    ...                            "resource": ["Ann", "Bo", "Ann", "Cy"] * 5}))
    >>> found = waiting_places(waits_of(log, priced_groups(log)), "resource")
    >>> [(row["resource"], row["excess_s"] / 86_400) for row in found.table.to_pylist()]
    [('Cy', 7.0), ('Bo', -7.0)]
    """
    rows = _rows_of(waits, attribute, threads)
    parents, offsets = rows.parents, rows.offsets
    against = compared(Places(rows.times, offsets, parents, np.asarray(rows.told.is_valid())), threads)
    names: dict[str, Any] = {
        **waits.groups.columns(waits.group[parents]),
        "source": waits.log.activity_texts(waits.source[parents]),
        "target": waits.log.activity_texts(waits.target[parents]),
        rows.name: rows.told,
    }
    order = _order(waits, rows, against)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    cases = np.repeat(place, np.diff(offsets)), rows.cases
    found = CaseRows.of_pairs(made(waits.log.case_ids), *cases, len(order))
    ranked = table({**names, **rows.figures, **against}).take(arrow(order))
    totals = Later(lambda: _totals(waits, attribute, threads))
    return WaitingPlaces(rows.name, ranked, totals, found, LogReference(waits.log))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Waits by what they belong to, their parent, and by what is told of an attribute."""

    name: str
    parents: NDArray[np.int64]
    told: pa.Array
    offsets: NDArray[np.int64]
    times: NDArray[np.int64]
    cases: NDArray[np.int32]
    figures: dict[str, Any]

    @property
    def matters(self) -> NDArray[np.float64]:
        """What each row is ranked by."""
        found: NDArray[np.float64] = self.figures.get("cash_days", self.figures["total_s"])
        return found


def _rows_of(waits: Waits, attribute: str, threads: int | None, *, edges: bool = True) -> _Rows:
    """Return the waits by an attribute, and by the rows of `waits`, or whatever the edge by group only."""
    column = waits.log.attribute(attribute)
    if column.name in (*COLUMNS, *waits.groups.keys.column_names):
        raise SchemaError(
            f"column {column.name!r} cannot be told twice", column=column.name, hint="rename it"
        )
    values = column.per_event(waits.log.case_offsets)
    codes = codes_of(values)
    codes = codes - codes.min(initial=0)
    width = int(codes.max(initial=0)) + 1
    of, count = (waits.rows, len(waits.source)) if edges else (waits.group[waits.rows], waits.groups.count)
    keys = of * width + codes[waits.events]
    distinct = None
    if count * width > MOST_ROWS:
        distinct, keys = np.unique(keys, return_inverse=True)
    rooms = count * width if distinct is None else len(distinct)
    rows, offsets, times, positions = in_rows(keys.astype(np.int32), max(rooms, 1), waits.times, threads)
    parents, places = np.divmod(rows if distinct is None else distinct[rows], width)
    cases = waits.cases[positions]
    own = cases if edges else cases[np.lexsort((cases, np.repeat(rows, np.diff(offsets))))]
    figures = measured(times, offsets, distinct_counts(own, offsets, threads), threads)
    if waits.groups.amounts is not None:
        figures["cash_days"] = cash_days(
            waits.elapsed[positions], cases, offsets, waits.groups.amounts.units, threads
        )
    firsts = np.zeros(width, dtype=np.int64)
    firsts[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    told = _plain(values.take(arrow(firsts[places])))
    return _Rows(column.name, parents, told, offsets, times, cases, figures)


def _totals(waits: Waits, attribute: str, threads: int | None) -> pa.Table:
    """Return the waits by group and attribute, whatever the edge."""
    rows = _rows_of(waits, attribute, threads, edges=False)
    columns = {**waits.groups.columns(rows.parents), rows.name: rows.told, **rows.figures}
    keys = {
        "currency": waits.groups.currency_rank(rows.parents), "matters": -rows.matters,
        "told": sortable(rows.told), "group": rows.parents,
    }  # fmt: skip
    return table(columns).take(arrow(_ascending(keys)))


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _order(waits: Waits, rows: _Rows, against: dict[str, pa.Array]) -> NDArray[np.int64]:
    import pyarrow.compute as pc  # late: 50 ms

    parents = rows.parents
    low = pc.fill_null(against["excess_low_s"], 0.0).to_numpy()
    return _ascending({
        "currency": waits.groups.currency_rank(waits.group[parents]),
        "sure": -low.clip(min=0) * rows.figures["count"],
        "excess": pc.negate(against["excess_total_s"]),
        "matters": -rows.matters,
        "source": waits.source[parents],
        "target": waits.target[parents],
        "told": sortable(rows.told),
        "group": waits.group[parents],
    })  # fmt: skip


def _ascending(keys: dict[str, Any]) -> NDArray[np.int64]:
    import pyarrow.compute as pc  # late: 50 ms

    order = pc.sort_indices(table(keys), sort_keys=[(name, "ascending") for name in keys])
    return np.asarray(order).astype(np.int64)
