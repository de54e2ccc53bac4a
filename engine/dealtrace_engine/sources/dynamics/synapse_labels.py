"""Labels of option codes in the metadata folders of Azure Synapse Link."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ParseError

if TYPE_CHECKING:
    import polars as pl

_LABEL = ("IsUserLocalizedLabel", "LocalizedLabelLanguageCode", "LocalizedLabel")
FOLDERS: Mapping[str, Sequence[Sequence[str]]] = {
    "optionsetmetadata": [("EntityName", "OptionSetName", "Option", *_LABEL)],
    "globaloptionsetmetadata": [
        ("EntityName", "OptionSetName", "Option", *_LABEL),
        ("OptionSetName", "Option", *_LABEL, "GlobalOptionSetName", "EntityName"),
    ],
    "statemetadata": [("EntityName", "State", *_LABEL)],
    "statusmetadata": [("EntityName", "State", "Status", *_LABEL)],
}
"""Folder to the columns of its files, which have no header."""


def labels_of(folder: Path) -> pl.DataFrame:
    """Return the labels as rows of the table `stringmap`; no rows where there are no such folders.

    Raises
    ------
    ParseError
        A file is no CSV text.
    """
    import polars as pl

    found = {}
    for inside in sorted(folder.iterdir()):
        layouts = FOLDERS.get(inside.name.lower())
        if layouts is not None and inside.is_dir():
            for file in sorted(inside.rglob("*.csv")):
                found.update(dict.fromkeys(_labels(file, layouts)))
    names = ("objecttypecode", "attributename", "attributevalue", "value", "langid")
    return pl.DataFrame(list(found), schema=dict.fromkeys(names, pl.String), orient="row")


def _labels(file: Path, layouts: Sequence[Sequence[str]]) -> Iterable[tuple[str, str, str, str, str]]:
    try:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, csv.Error) as error:
        raise ParseError(f"cannot be read ({error})", file=file) from error
    names: Sequence[str] = layouts[0]
    if rows and "LocalizedLabel" in rows[0]:
        names, rows = rows[0], rows[1:]
    elif rows:
        names = next((layout for layout in layouts if len(layout) == len(rows[0])), layouts[0])
    for row in rows:
        label = dict(zip(names, row, strict=False))
        column = (
            "statuscode"
            if "Status" in label
            else "statecode"
            if "State" in label
            else label.get("OptionSetName")
        )
        code = label.get("Status", label.get("State", label.get("Option")))
        if column and code and label.get("LocalizedLabel"):
            yield (
                label.get("EntityName", "").lower(), column.lower(), code, label["LocalizedLabel"],
                label.get("LocalizedLabelLanguageCode", ""),
            )  # fmt: skip
