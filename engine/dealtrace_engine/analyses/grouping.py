"""Cases in groups, by the values of their attributes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.attributes import codes_of, sortable
from dealtrace_engine.buffers import arrow
from dealtrace_engine.errors import SchemaError
from dealtrace_engine.log import EventLog
from dealtrace_engine.schema import names_of

By = str | Sequence[str] | None
"""What results are told by: no attribute, one, or several."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Which group each case is in.

    Attributes
    ----------
    codes : ndarray of int32, shape (cases,)
        The group of each case, as a row of `keys`.
    keys : pyarrow.Table
        A row per group, by its values, nulls last; its columns are the attributes. Without attributes there
        is one group and no column.
    count : int
        How many groups there are.
    names : tuple of str
        The attributes, whose columns may have other names.
    """

    codes: NDArray[np.int32]
    keys: pa.Table
    count: int
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.count

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Cases of each group, shape (groups,)."""
        return np.bincount(self.codes, minlength=self.count)

    def taken(self, order: NDArray[np.int64]) -> Groups:
        """Return the same with the cases in another order."""
        return replace(self, codes=self.codes[order])

    def columns(self, rows: NDArray[np.int64] | None = None) -> dict[str, pa.Array]:
        """Return the columns of `keys`, at some rows, to be put in front of those of a result."""
        chosen = self.keys if rows is None else self.keys.take(arrow(rows))
        return {name: chosen.column(name).combine_chunks() for name in chosen.column_names}

    def label(self, group: int) -> str:
        """Return what a group is called in a sentence."""
        values = [column[group].as_py() for column in self.keys.columns]
        return " / ".join("(none)" if value is None else str(value) for value in values) or "all cases"


def attributes_of(by: By) -> tuple[str, ...]:
    """Return the names of attributes, of which there may be one or none.

    Raises
    ------
    ArgumentError
        It is no name, and no sequence of names.
    """
    return () if by is None else names_of(by, "by")


def column_name(name: str, taken: Collection[str]) -> str:
    """Return what the column of an attribute is called beside others.

    Examples
    --------
    >>> column_name("owner", ("owner", "rule")), column_name("region", ("owner", "rule"))
    ('case_owner', 'region')
    """
    return f"case_{name}" if name in taken else name


def groups_of(log: EventLog, by: By = None, *, taken: Sequence[str] = ()) -> Groups:
    """Return which cases have the same values of some attributes; null is a value like any other.

    The column of an attribute that is called like another column of the result begins with ``case_``.

    Parameters
    ----------
    log : EventLog
    by : str or sequence of str, optional
        Attributes of the case.
    taken : sequence of str
        Names of other columns of the result.

    Raises
    ------
    SchemaError
        There is no such attribute, it varies within cases, is named twice, or its column is there already.
    ArgumentError
        `by` is no name, and no sequence of names.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "2", "3"], "activity": ["a"] * 3, "time": ["2024-01-01"] * 3,
    ...                            "region": ["North", None, "North"]}))
    >>> groups = groups_of(log, "region")
    >>> groups.codes.tolist(), groups.keys["region"].to_pylist(), groups.label(1)
    ([0, 1, 0], ['North', None], '(none)')
    """
    names = attributes_of(by)
    told = [column_name(name, taken) for name in names]
    for name, column in zip(names, told, strict=True):
        if told.count(column) > 1 or column in taken:
            raise SchemaError(f"column {name!r} cannot be told twice", column=name, hint="rename it")
    if not names:
        return Groups(np.zeros(log.cases, dtype=np.int32), pa.table({}), 1)
    codes, count = np.zeros(log.cases, dtype=np.int64), 1
    for name in names:
        values = case_values(log, name)
        own = codes_of(values).astype(np.int64)
        own -= own.min(initial=0)
        distinct, codes = np.unique(codes * (int(own.max(initial=0)) + 1) + own, return_inverse=True)
        count = len(distinct)
    firsts = np.empty(count, dtype=np.int64)
    firsts[codes[::-1]] = np.arange(log.cases)[::-1]
    columns = {
        column: _plain(case_values(log, name).take(arrow(firsts)))
        for name, column in zip(names, told, strict=True)
    }
    order = _order(columns)
    rank = np.empty(count, dtype=np.int32)
    rank[order] = np.arange(count, dtype=np.int32)
    return Groups(rank[codes], pa.table(columns).take(arrow(order)), count, names)


def case_values(log: EventLog, name: str) -> pa.Array:
    """Return the values of an attribute of the case, shape (cases,).

    Raises
    ------
    SchemaError
        There is no such column, or it varies within cases.
    """
    attribute = log.attribute(name)
    if attribute.level != "case":
        raise SchemaError(
            f"column {name!r} varies within cases", file=log.origin.source.label, column=name,
            hint="use a column with one value per case",
        )  # fmt: skip
    return attribute.values


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _order(columns: dict[str, pa.Array]) -> NDArray[np.int64]:
    import pyarrow.compute as pc  # late: 50 ms

    table = pa.table({f"{place}": sortable(values) for place, values in enumerate(columns.values())})
    keys = [(name, "ascending") for name in table.column_names]
    order: NDArray[np.int64] = pc.sort_indices(table, sort_keys=keys).to_numpy().astype(np.int64)
    return order
