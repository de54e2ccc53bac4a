"""Tables in memory: whatever speaks Arrow, under whatever names a warehouse gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dealtrace_engine.errors import SchemaError, first_line
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import RawExport
from dealtrace_engine.sources.salesforce.object_names import object_of_name
from dealtrace_engine.sources.salesforce.objects import catalog_with
from dealtrace_engine.sources.salesforce.parquet_tables import renamed
from dealtrace_engine.sources.salesforce.pieces import Pieces
from dealtrace_engine.sources.salesforce.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl


def from_frames(frames: Mapping[str, object], mapping: CrmMapping) -> RawExport:
    """Take tables of a caller as an export.

    Parameters
    ----------
    frames : mapping of str to table
        Object, as the API (`Opportunity`) or a warehouse (`opportunity`, `sf_opportunity`) spells it, in
        capitals or not, to a table: Polars (lazy too), pandas, pyarrow, or anything that speaks Arrow.
    mapping : CrmMapping
        Whose `fields` and `objects` are read, too.

    Raises
    ------
    SchemaError
        A name is that of no object, two are of one, or a table is none.

    Examples
    --------
    >>> import polars as pl
    >>> deals = pl.DataFrame({"id": ["006000000000001AAA"], "stage_name": ["Prospecting"]})
    >>> raw = from_frames({"opportunity": deals}, CrmMapping())
    >>> raw.frames["Opportunity"].collect_schema().names()
    ['Id', 'StageName']
    """
    catalog = catalog_with(mapping)
    names: dict[str, str] = {}
    with Workspace() as space:
        pieces = Pieces(space)
        for given, table in frames.items():
            name = object_of_name(given, catalog)
            if name is None:
                raise SchemaError(f"tables has {given!r}, which is no object of Salesforce that is read",
                                  hint=f"there are {', '.join(catalog)}")  # fmt: skip
            if name in names:
                raise SchemaError(f"tables has both {names[name]!r} and {given!r} for {name}")
            names[name] = given
            pieces.all.append(renamed(name, _lazy(table, given), given, catalog))
        return pieces.export("memory", "memory")


def _lazy(table: Any, name: str) -> pl.LazyFrame:
    import polars as pl

    if isinstance(table, pl.LazyFrame):
        return table
    if not isinstance(table, pl.DataFrame) and not hasattr(table, "__arrow_c_stream__"):
        raise SchemaError(f"tables[{name!r}] is a {type(table).__name__}, which is no table",
                          hint="give a frame of Polars, pandas or pyarrow")  # fmt: skip
    try:
        frame = pl.DataFrame(table)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise SchemaError(f"tables[{name!r}] cannot be read as a table ({first_line(error)})") from error
    return frame.lazy()
