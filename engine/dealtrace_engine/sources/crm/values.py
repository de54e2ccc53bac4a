"""Columns of text as what they are: ids, instants, dates, numbers, truth values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.quality import FIRST_ROWS, Finding
from dealtrace_engine.sources.crm.packed import id_bytes
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.crm.times import days, instants
from dealtrace_ext.intern import Interner

if TYPE_CHECKING:
    import polars as pl

TRUE, FALSE = (
    [form for word in words.split() for form in (word, word.upper(), word.capitalize())]
    for words in ("1 true yes t y", "0 false no f n")
)
COUNTED = (Kind.INSTANT, Kind.DATE, Kind.NUMBER, Kind.BOOLEAN)
"""Kinds of which not every text is one."""
UNREAD = "!unread"
REPAIRED = {
    "salesforce": "had lost its case, which its last three characters told",
    "dynamics": "had braces or capitals, which make no difference",
}
ODD_IDS = {
    4: "is damaged: its last three characters do not fit",
    5: "is no id; compared as it is",
    6: "is a number that a spreadsheet made of an id; left out",
}
"""By state of `dealtrace_ext.record_ids`; what was `REPAIRED` differs by system."""
NOTHING_WRITTEN = (0, 6)
GOOD_ID = 1
TEXTS_AT_A_TIME = 1 << 18
"""So many are handed to a kernel at once, for which they are copied."""
INLINE = 12
"""Bytes of a text that has no copy in memory beside its column."""
FOREVER = "9999-"
"""The year in which validity without an end is said to end: no date, and no mistake."""
CENTURY = (1900, 2200)
"""A year outside is a date out of range, what a spreadsheet or a default makes of an empty one."""


def value(column: str, kind: Kind, found: pl.DataType, zone: str) -> pl.Expr:
    """Return a column as its kind, ids still as text, or packed; what cannot be read is null.

    Parameters
    ----------
    column : str
    kind : Kind
    found : DataType
        Text, or the type that it came with.
    zone : str
        IANA name of the zone of datetimes without one.
    """
    import polars as pl

    text = pl.col(column)
    if kind is Kind.INSTANT:
        return _instant(text, found, zone).alias(column)
    if kind is Kind.DATE:
        return _date(text, found).alias(column)
    if kind is Kind.BOOLEAN:
        return _truth(text, found).alias(column)
    if kind is Kind.NUMBER:
        return _number(text, found).alias(column)
    if found == pl.UInt128():
        return text
    return _filled(text.cast(pl.String)).alias(column)


def reading(
    frame: pl.LazyFrame, kinds: Mapping[str, Kind], name: str, system: str, zone: str
) -> tuple[pl.DataFrame, list[Finding]]:
    """Read those columns of an object that there are, and count what could not be read.

    Parameters
    ----------
    frame : LazyFrame
        The rows as they came.
    kinds : mapping of str to Kind
        The columns that are wanted.
    name : str
        The object, for findings.
    system, zone : str
        Whose ids and times they are.
    """
    import polars as pl

    types = frame.collect_schema()
    names = [column for column in kinds if column in types]
    read = {column: value(column, kinds[column], types[column], zone) for column in names}
    marked = [column for column in names if kinds[column] in COUNTED]
    found = [pl.col(column).alias(f"{column}{UNREAD}") for column in marked]
    marks = [is_unread(f"{column}{UNREAD}", pl.col(column), types[column]) for column in marked]
    rows = frame.select(*read.values(), *found).with_columns(marks).collect(engine="streaming")
    findings = [_unread(frame, rows, column, kinds[column], name) for column in marked]
    waiting = {column: rows.drop_in_place(column) for column in names}
    del rows

    def settled(column: str) -> tuple[pl.Series, list[Finding]]:
        found = waiting.pop(column)  # so that it goes once it is settled
        if kinds[column] is Kind.ID:
            return _counted_ids(found, system, f"{name}.{column}")
        return shared(found) if kinds[column] is Kind.TEXT else found, []

    columns = map_blocks(settled, names)
    findings += [finding for _, odd in columns for finding in odd]
    found_rows = pl.DataFrame([column for column, _ in columns])
    return found_rows, [finding for finding in findings if finding.count]


def is_unread(column: str, read: pl.Expr, found: pl.DataType) -> pl.Expr:
    """Return whether a column has a value that could not be read."""
    import polars as pl

    there = _filled(pl.col(column)) if found == pl.String() else pl.col(column)
    if found == pl.String():
        there = pl.when(~there.str.starts_with(FOREVER)).then(there)
    return (there.is_not_null() & read.is_null()).alias(column)


def _unread(frame: pl.LazyFrame, rows: pl.DataFrame, column: str, kind: Kind, name: str) -> Finding:
    """Count the values of a column that are no instants, dates, numbers or truth values."""
    import polars as pl

    finding = Finding(f"{name}.{column} is no {kind}")
    marks = rows[f"{column}{UNREAD}"]
    count = int(marks.sum() or 0)
    if count:
        first = marks.arg_true().head(FIRST_ROWS).to_list()
        text = frame.select(pl.col(column).cast(pl.String)).slice(first[0], 1).collect()[column][0]
        finding.add(count, [row + 1 for row in first], text)
    return finding


def _counted_ids(ids: pl.Series, system: str, where: str) -> tuple[pl.Series, list[Finding]]:
    """Return ids in their one form, and those that were damaged, mended, or are none."""
    import polars as pl

    if ids.dtype == pl.UInt128():
        return ids, []
    apart = different(ids)
    if apart is None:
        found, states = _mended(ids, system)
    else:
        first, spots = apart
        written, states_of = read_ids(first, system)
        found = _without_missing(ids.name, written, states_of).gather(spots)
        states = np.append(states_of, np.uint8(0))[spots.fill_null(len(first)).to_numpy()]
    findings = []
    for state, what in {3: REPAIRED[system], **ODD_IDS}.items():
        rows = np.flatnonzero(states == state)
        if len(rows):
            findings.append(Finding(f"{where} {what}"))
            findings[-1].add(len(rows), [int(row) + 1 for row in rows[:FIRST_ROWS]], ids[int(rows[0])])
    return found, findings


def _mended(ids: pl.Series, system: str) -> tuple[pl.Series, NDArray[Any]]:
    """Return ids in their one form and their states; most need no change, and none is copied then."""
    import polars as pl

    found, states = [ids.clear()], [np.empty(0, np.uint8)]
    for begin in range(0, len(ids), TEXTS_AT_A_TIME):
        part = ids.slice(begin, TEXTS_AT_A_TIME)
        written, of = read_ids(part, system)
        same = ((of == GOOD_ID) | part.is_null().to_numpy()).all()
        found.append(part if same else _without_missing(ids.name, written, of))
        states.append(of)
    return pl.concat(found), np.concatenate(states)


def shared(texts: pl.Series) -> pl.Series:
    """Return the same texts, with one copy of each in memory where many of them repeat.

    Examples
    --------
    >>> import polars as pl
    >>> shared(pl.Series(["a text that is long", None, "a text that is long"])).to_list()
    ['a text that is long', None, 'a text that is long']
    """
    apart = different(texts)
    return texts if apart is None else dense(apart[0]).gather(apart[1])


def dense(texts: pl.Series) -> pl.Series:
    """Return the same texts, copied to where nothing else is."""
    import polars as pl

    return pl.Series(texts.name, pl.from_arrow(texts.to_arrow().cast(pa.large_string())), dtype=pl.String)


def different(texts: pl.Series) -> tuple[pl.Series, pl.Series] | None:
    """Return the different texts, and which of them each is; None where they are short or few repeat.

    Examples
    --------
    >>> import polars as pl
    >>> texts, spots = different(pl.Series(["a text that is long", None] * 2))
    >>> texts.to_list(), spots.to_list()
    (['a text that is long'], [0, None, 0, None])
    """
    longest = texts.str.len_bytes().max()
    if longest is None or longest <= INLINE or texts.approx_n_unique() * 2 > len(texts):  # type: ignore[operator]
        return None
    return apart(texts)


def apart(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the different texts, or packed ids, and which of them each is."""
    import polars as pl

    codes = encoded(Interner(), texts)
    highest = np.maximum.accumulate(np.concatenate((np.array([-1], np.int32), codes)))
    spots = pl.Series(codes)
    if texts.null_count():
        spots = spots.set(spots < 0, None)
    return texts.gather(np.flatnonzero(codes > highest[:-1])), spots


def encoded(known: Interner, texts: pl.Series) -> NDArray[np.int32]:
    """Return the codes of texts, or of packed ids, -1 for null; those that were not known get the next ones.

    One dictionary is for texts or for packed ids, not for both.

    Examples
    --------
    >>> import polars as pl
    >>> encoded(Interner(), pl.Series(["b", "a", None, "b"])).tolist()
    [0, 1, -1, 0]
    """
    import polars as pl

    codes = np.empty(len(texts), np.int32)
    for begin in range(0, len(texts), TEXTS_AT_A_TIME):
        end = begin + TEXTS_AT_A_TIME
        part = texts[begin:end]
        known.encode(part.to_arrow() if part.dtype == pl.String else id_bytes(part), codes[begin:end])
    return codes


def _filled(text: pl.Expr) -> pl.Expr:
    """Return text with null for the empty one; NA, null and None can be real values."""
    import polars as pl

    return pl.when(text != "").then(text)


def _instant(text: pl.Expr, found: pl.DataType, zone: str) -> pl.Expr:
    import polars as pl

    if isinstance(found, pl.Datetime):
        there = text.dt.cast_time_unit("us")
        return _in_range(there.dt.convert_time_zone("UTC") if found.time_zone else _utc(there, zone))
    if found == pl.Date():
        return _in_range(_utc(text.cast(pl.Datetime("us")), zone))
    return text.cast(pl.String).map_batches(
        lambda texts: _ranged(instants(texts, zone)), return_dtype=pl.Datetime("us", "UTC"),
        is_elementwise=True,
    )  # fmt: skip


def _utc(local: pl.Expr, zone: str) -> pl.Expr:
    if zone == "UTC":
        return local.dt.replace_time_zone("UTC")
    there = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return there.dt.convert_time_zone("UTC")


def _date(text: pl.Expr, found: pl.DataType) -> pl.Expr:
    import polars as pl

    if isinstance(found, pl.Datetime) or found == pl.Date():
        return _in_range(text.cast(pl.Date))
    return text.cast(pl.String).map_batches(
        lambda texts: _ranged(days(texts)), return_dtype=pl.Date(), is_elementwise=True
    )


def _ranged(read: pl.Series) -> pl.Series:
    """Do what `_in_range` does, for what would otherwise be read from its text for each mention."""
    import polars as pl

    return read.to_frame().select(_in_range(pl.col(read.name))).to_series()


def _in_range(when: pl.Expr) -> pl.Expr:
    import polars as pl

    first, after = (pl.lit(date(year, 1, 1)) for year in CENTURY)
    return pl.when((when >= first) & (when < after)).then(when)


def _number(text: pl.Expr, found: pl.DataType) -> pl.Expr:
    import polars as pl

    if found != pl.String():
        return text.cast(pl.Float64, strict=False).fill_nan(None)
    return text.map_batches(  # filled in the expression, numbers would be read from their text twice
        lambda texts: texts.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None),
        return_dtype=pl.Float64(), is_elementwise=True,
    )  # fmt: skip


def _truth(text: pl.Expr, found: pl.DataType) -> pl.Expr:
    import polars as pl

    if found == pl.Boolean():
        return text
    if found.is_numeric():
        return pl.when(text == 1).then(True).when(text == 0).then(False)
    plain = text.cast(pl.String)
    return pl.when(plain.is_in(TRUE)).then(True).when(plain.is_in(FALSE)).then(False)


def canonical_ids(ids: pl.Series, system: str) -> pl.Series:
    """Return ids in the one form that is compared; see `dealtrace_ext.record_ids`.

    Examples
    --------
    >>> import polars as pl
    >>> canonical_ids(pl.Series(["0064600000J5S5T", "000000000000000AAA", None]), "salesforce").to_list()
    ['0064600000J5S5TAAV', None, None]
    """
    return _without_missing(ids.name, *read_ids(ids, system))


def _without_missing(name: str, written: pa.Array, states: NDArray[Any]) -> pl.Series:
    import polars as pl

    found = pl.Series(name, pl.from_arrow(written), dtype=pl.String)
    missing = pl.Series(np.isin(states, NOTHING_WRITTEN))
    return found.set(missing, None) if missing.any() else found


def read_ids(ids: pl.Series, system: str) -> tuple[pa.Array, NDArray[Any]]:
    """Return ids in their one form, empty for none, and what each was, as `dealtrace_ext.record_ids` says."""
    from dealtrace_ext.record_ids import guids, salesforce_ids

    column = ids.to_arrow()
    if not isinstance(column, pa.LargeStringArray | pa.StringArray):
        column = column.cast(pa.large_string())
    n = len(column)
    out = np.empty(_text_bytes(column) + 3 * n, dtype=np.uint8)
    offsets, states = np.empty(n + 1, dtype=np.int64), np.empty(n, dtype=np.uint8)
    (salesforce_ids if system == "salesforce" else guids)(column, out, offsets, states)
    written = pa.LargeStringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(out[: offsets[-1]]))
    return written, states


def _text_bytes(column: pa.Array) -> int:
    """Return how many bytes the texts have."""
    if len(column) == 0:
        return 0
    width = np.int64 if pa.types.is_large_string(column.type) else np.int32
    spots = np.frombuffer(column.buffers()[1], dtype=width)
    return int(spots[column.offset + len(column)] - spots[column.offset])
