"""`sf data export tree`: records that name each other by references instead of ids."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.json_text import joined, json_objects
from dealtrace_engine.synthetic.crm.salesforce_shapes.references import References
from dealtrace_engine.synthetic.crm.salesforce_shapes.rest_json import DAY, INSTANT
from dealtrace_engine.synthetic.crm.spool import height_of, parts_of

if TYPE_CHECKING:
    import polars as pl

CHILDREN = {"OpportunityLineItem": ("Opportunity", "OpportunityId", "OpportunityLineItems")}
"""Objects that are nested in their parent: it, the column that points to it, and the key there."""


def write_tree(export: Export) -> None:
    """Write ``Opportunity.json`` and so on, each with the plan that imports it.

    Parameters
    ----------
    export : Export
    """
    nested = {name: at for name, at in CHILDREN.items() if {name, at[0]} <= set(export.tables)}
    files = {name: _File(export.folder, name) for name in sorted(set(export.tables) - set(nested))}
    before: Counter[str] = Counter()
    for tables, own in parts_of(export.tables):
        part = _Part(export.only(tables), {name: before[name] for name in own})
        for name in sorted(set(own) - set(nested)):
            below = {child: at for child, at in nested.items() if at[0] == name}
            children = {key: part.children(child, column) for child, (_, column, key) in below.items()}
            for records in part.records(name, children):
                files[name].add(records)
        before.update({name: height_of(tables, name) for name in own})
    for file in files.values():
        file.close()


class _Part:
    """The records of a part of an organisation as JSON, without what is null in them.

    Parameters
    ----------
    export : Export
        Of the tables of the part.
    before : mapping of str to int
        How many records of an object are in earlier parts.
    """

    def __init__(self, export: Export, before: Mapping[str, int]) -> None:
        self._export, self._references = export, References(export.tables, before)

    def records(self, name: str, children: Mapping[str, pl.DataFrame]) -> Iterator[pl.Series]:
        """Yield the records of an object, with lists of their children by the key that they are under."""
        for rows in self._numbered(name):
            for key, lists in children.items():
                known = lists.rename({"records": key})
                rows = rows.join(known, left_on="Id", right_on="parent", how="left", maintain_order="left")
            yield self._written(rows, children)

    def children(self, name: str, column: str) -> pl.DataFrame:
        """Return for each `parent`, which a column points to, the list of its children."""
        import polars as pl

        frames = [
            rows.select(pl.col(column).alias("parent"), self._written(rows.drop(column), ()).alias("records"))
            for rows in self._numbered(name)
        ]
        together = pl.concat_str(pl.lit('{"records": ['), pl.col("records").str.join(", "), pl.lit("]}"))
        return pl.concat(frames).group_by("parent", maintain_order=True).agg(together.alias("records"))

    def _numbered(self, name: str) -> Iterator[pl.DataFrame]:
        """Yield the rows of a table, after the JSON of their `attributes`."""
        import polars as pl

        place = 0
        for rows in self._export.slices(name):
            head = f'{{"type": {json.dumps(name)}, "referenceId": "{self._references.names[name]}'
            attributes = pl.concat_str(pl.lit(head), self._references.number(name, place), pl.lit('"}'))
            yield rows.select(attributes.alias("attributes"), pl.all())
            place += rows.height

    def _written(self, rows: pl.DataFrame, raw: Collection[str]) -> pl.Series:
        shown = self._with_references(_with_text(rows), {"attributes", "Id", *raw}).drop("Id", strict=False)
        return json_objects(shown, gap=" ", omitted=shown.columns[1:], raw={"attributes", *raw})

    def _with_references(self, rows: pl.DataFrame, without: Collection[str]) -> pl.DataFrame:
        """Return rows with references in place of ids."""
        import polars as pl

        texts = [name for name, kind in rows.schema.items() if kind == pl.String and name not in without]
        values = pl.concat([pl.Series("id", dtype=pl.String), *(rows[name].alias("id") for name in texts)])
        known = self._references.of(values)
        return rows.with_columns(pl.col(texts).replace(known["id"], known["reference"]))


def _with_text(rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return rows.with_columns(
        pl.col(column).dt.to_string(INSTANT if isinstance(kind, pl.Datetime) else DAY)
        for column, kind in rows.schema.items()
        if kind.is_temporal()
    )


class _File:
    """The records of an object, and the plan that imports them."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path, self._between = folder / f"{name}.json", "\n        "
        self._path.write_bytes(b'{\n    "records": [')
        plan = [{"sobject": name, "saveRefs": True, "resolveRefs": True, "files": [self._path.name]}]
        (folder / f"{name}-plan.json").write_text(json.dumps(plan, indent=4), "utf-8", newline="")

    def add(self, records: pl.Series) -> None:
        """Add records."""
        if len(records):
            with self._path.open("ab") as file:
                file.writelines((self._between.encode(), joined(records, ",\n        ")))
            self._between = ",\n        "

    def close(self) -> None:
        """End the file."""
        with self._path.open("ab") as file:
            file.write(b"\n    ]\n}\n")
