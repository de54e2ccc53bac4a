"""How the records of a tree are named: by their object and a number instead of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.spool import Tables, columns_of, selected

if TYPE_CHECKING:
    import polars as pl

_PREFIX = 3


def reference_names(tables: Iterable[str]) -> dict[str, str]:
    """Return for each object what its references begin with; the number of the record follows.

    Examples
    --------
    >>> reference_names(["Opportunity", "SBQQ__Quote__c"])
    {'Opportunity': 'OpportunityRef', 'SBQQ__Quote__c': 'SBQQQuotecRef'}
    """
    return {name: f"{name.replace('_', '')}Ref" for name in tables}


class References:
    """What records are named by in a part of an organisation: ``@OpportunityRef12``.

    They are kept apart by how the ids begin, which tells the object, so that few are looked at for a value.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Objects with their `Id`.
    before : mapping of str to int
        How many records of an object are in earlier parts.
    """

    def __init__(self, tables: Tables, before: Mapping[str, int]) -> None:
        import polars as pl

        self.names, self._before = reference_names(tables), before
        frames = [
            selected(tables, name, ["Id"]).select(
                pl.col("Id").alias("id"),
                pl.concat_str(pl.lit(f"@{self.names[name]}"), self.number(name, 0)).alias("reference"),
                pl.col("Id").str.head(_PREFIX).alias("begins"),
            )
            for name in tables
            if "Id" in columns_of(tables, name)
        ]
        self._none = pl.DataFrame(schema=dict.fromkeys(("id", "reference"), pl.String))
        found = pl.concat(frames or [self._none.with_columns(begins="id")]).unique("id", keep="last")
        self._known = found.partition_by("begins", as_dict=True, include_key=False)

    def number(self, name: str, place: int) -> pl.Expr:
        """Return the numbers of rows of an object of which the first has that place in the part."""
        import polars as pl

        first = self._before.get(name, 0) + place + 1
        return pl.int_range(first, pl.len() + first)

    def of(self, values: pl.Series) -> pl.DataFrame:
        """Return `id` and `reference` of those values that are ids of records."""
        import polars as pl

        wanted = values.unique().alias("id")
        begins = wanted.str.head(_PREFIX).unique().to_list()
        known = [self._known[begin,] for begin in begins if (begin,) in self._known]
        return pl.concat([self._none, *known]).join(wanted.to_frame(), on="id", how="semi")
