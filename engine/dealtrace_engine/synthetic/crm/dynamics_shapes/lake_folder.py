"""One folder of a lake: the partitions of its tables, `model.json`, and the labels of options."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.delimited import Dialect
from dealtrace_engine.synthetic.crm.dynamics_shapes.lake_rows import SINK_INSTANT, lake_text, late_columns

if TYPE_CHECKING:
    import polars as pl

ADDRESS = "https://contosolake.dfs.core.windows.net:443/dataverse-contoso"
MODELS = "Microsoft.Athena.TrickleFeedService"
PARTITION_ROWS = 1_000_000
_DIALECT = Dialect()
_ADDED = datetime(2025, 4, 1, tzinfo=UTC)
"""When custom columns were added: rows written before are shorter."""


class LakeFolder:
    """Writes tables to a folder and describes them in its `model.json`.

    Parameters
    ----------
    folder : Path
    partition_rows : int
        A partition of a year with more rows is split.
    """

    def __init__(self, folder: Path, partition_rows: int = PARTITION_ROWS) -> None:
        self.folder, self._partition_rows = folder, partition_rows
        self._entities: list[dict[str, object]] = []

    def table(self, name: str) -> LakeTable:
        """Return a new table of the folder, which gets its rows in the order of their versions."""
        return LakeTable(self.folder / name, self._partition_rows)

    def describe(self, table: LakeTable, schema: pl.Schema) -> None:
        """Add a table that is complete to `model.json`."""
        self._entities.append(_entity(table.folder.name, schema, table.partitions()))

    def close(self, completed: datetime) -> None:
        """Write `model.json` and its copy for each table."""
        (self.folder / MODELS).mkdir(exist_ok=True)
        for entity in self._entities:
            entity["annotations"] = _annotations(completed)
            _write_json(self.folder / MODELS / f"{entity['name']}-model.json", _model([entity]))
        _write_json(self.folder / "model.json", _model(self._entities))


class LakeTable:
    """Writes a table: a file for each year of `createdon`, or several.

    Parameters
    ----------
    folder : Path
        Is made.
    partition_rows : int
    """

    def __init__(self, folder: Path, partition_rows: int) -> None:
        self.folder, self._partition_rows = folder, partition_rows
        self._rows: Counter[int] = Counter()
        folder.mkdir()

    def add(self, rows: pl.DataFrame) -> None:
        """Write rows, sorted by `SinkModifiedOn` and `versionnumber`, none of them before those written."""
        import polars as pl

        year = "createdon" if "createdon" in rows.columns else "SinkCreatedOn"
        keyed = rows.with_columns(pl.col(year).fill_null(pl.col("SinkCreatedOn")).dt.year().alias("@year"))
        for (of_year,), part in keyed.partition_by("@year", as_dict=True, include_key=False).items():
            while part.height:
                number, filled = divmod(self._rows[of_year], self._partition_rows)
                fitting = part.head(self._partition_rows - filled)
                with (self.folder / f"{of_year}_{number:03}.csv").open("ab") as file:
                    _DIALECT.write(file, _ragged(fitting), header=False)
                self._rows[of_year] += fitting.height
                part = part.slice(fitting.height)

    def partitions(self) -> list[str]:
        """Return the names of the files, which have no number if there is one of a year."""
        names = []
        for year, rows in sorted(self._rows.items()):
            numbered = [f"{year}_{number:03}" for number in range(-(-rows // self._partition_rows))]
            if len(numbered) == 1:
                (self.folder / f"{numbered[0]}.csv").rename(self.folder / f"{year}.csv")
                numbered = [str(year)]
            names += numbered
        return names


def _ragged(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield rows as text; those written before custom columns were added do not have them at all."""
    import polars as pl

    late = late_columns(rows.columns)
    old = rows.filter(pl.col("SinkModifiedOn") < _ADDED) if late else rows.head(0)
    for part in (old.drop(late), rows.slice(old.height)):
        if part.height:
            yield lake_text(part).fill_null("")


def _entity(table: str, schema: pl.Schema, partitions: Sequence[str]) -> dict[str, object]:
    return {
        "$type": "LocalEntity",
        "name": table,
        "description": table,
        "annotations": [],
        "attributes": [_attribute(name, kind) for name, kind in schema.items()],
        "partitions": [
            {
                "name": name,
                "location": f"{ADDRESS}/{table}/{name}.csv",
                "fileFormatSettings": {
                    "$type": "CsvFormatSettings", "columnHeaders": False, "delimiter": ",",
                    "quoteStyle": "QuoteStyle.Csv", "csvStyle": "CsvStyle.QuoteAlways", "encoding": "UTF-8",
                },
            }
            for name in partitions
        ],
    }  # fmt: skip


def _attribute(name: str, kind: pl.DataType) -> dict[str, object]:
    if kind.is_temporal():
        data_type = "dateTime"
    elif kind.is_float():
        data_type = "decimal"
    elif kind.is_integer():
        data_type = "int64"
    elif str(kind) == "Boolean":
        data_type = "boolean"
    else:
        is_guid = name == "Id" or (name.endswith(("id", "by")) and "_" not in name)
        data_type = "guid" if is_guid else "string"
    length = {"maxLength": 4_000} if data_type == "string" else {}
    return {"name": name, "dataType": data_type, **length}


def _annotations(completed: datetime) -> list[dict[str, str]]:
    return [
        {"name": "Athena:PartitionGranularity", "value": "Year"},
        {"name": "Athena:InitialSyncState", "value": "Completed"},
        {"name": "Athena:InitialSyncDataCompletedTime", "value": completed.strftime(SINK_INSTANT)},
    ]


def _model(entities: Sequence[dict[str, object]]) -> dict[str, object]:
    return {
        "name": "cdm", "description": "cdm", "version": "1.0", "entities": list(entities),
        "relationships": [],
    }  # fmt: skip


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2), "utf-8", newline="")
