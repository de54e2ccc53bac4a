"""Tables in memory: anything that speaks Arrow, under logical or snake-case names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from dealtrace_engine.errors import SchemaError, first_line
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import RawExport
from dealtrace_engine.sources.dynamics.export import Reading, export
from dealtrace_engine.sources.dynamics.naming import is_process, table_of
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.replica import part_of

if TYPE_CHECKING:
    import polars as pl

SHAPE = "memory"


def from_frames(frames: Mapping[str, object], mapping: CrmMapping) -> RawExport:
    """Take tables of a caller as an export.

    Parameters
    ----------
    frames : mapping of str to table
        Name of a table (``"opportunity"``, ``"opportunities"``, ``"d365_quote_close"``) to Polars (lazy too),
        pandas, pyarrow or anything with ``__arrow_c_stream__``.
    mapping : CrmMapping
        Whose `fields` and `objects` are read, too.

    Raises
    ------
    SchemaError
        A name is that of no table, two are of one, or what is given is no table.

    Examples
    --------
    >>> import polars as pl
    >>> deals = pl.DataFrame({"Opportunity_Id": ["1"], "_ownerid_value": ["2"], "statecode": [1]})
    >>> raw = from_frames({"opportunities": deals}, CrmMapping())
    >>> raw.frames["opportunity"].collect_schema().names()
    ['opportunityid', 'ownerid', 'statecode']
    """
    reading, names = Reading(), dict[str, str]()
    for name, given in frames.items():
        table = _lazy(given, name)
        columns = dict(table.collect_schema())
        if table_of(name, mapping) is None and not is_process(columns):
            raise SchemaError(f"tables has {name!r}, which is no table of Dynamics that is read",
                              hint=f"there are {', '.join(CATALOG)}")  # fmt: skip
        part = part_of(name, columns, partial(_rows, table), mapping)
        if part is None:
            raise SchemaError(f"tables[{name!r}] has none of the columns of that table",
                              hint=f"it has {', '.join(list(columns)[:10])}")  # fmt: skip
        if part.table in names and not part.fixed:
            raise SchemaError(f"tables has both {names[part.table]!r} and {name!r} for {part.table}")
        names[part.table] = name
        reading.parts.append(part)
    if not frames:
        raise SchemaError("tables is empty")
    return export(reading, mapping, shape=SHAPE, label=SHAPE)


def _rows(table: pl.LazyFrame, columns: list[str]) -> Iterator[pl.DataFrame]:
    yield table.select(columns).collect(engine="streaming")


def _lazy(table: Any, name: str) -> pl.LazyFrame:
    import polars as pl

    if isinstance(table, pl.LazyFrame):
        return table
    if not isinstance(table, pl.DataFrame) and not hasattr(table, "__arrow_c_stream__"):
        raise SchemaError(f"tables[{name!r}] is a {type(table).__name__}, which is no table",
                          hint="give a frame of Polars, pandas or pyarrow")  # fmt: skip
    try:
        return pl.DataFrame(table).lazy()
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise SchemaError(f"tables[{name!r}] cannot be read as a table ({first_line(error)})") from error
