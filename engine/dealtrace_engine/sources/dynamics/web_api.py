"""Answers of the Dataverse Web API that were saved: pages, arrays or lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.dynamics.export import Reading
from dealtrace_engine.sources.dynamics.json_rows import (
    SUFFIXES,
    JsonFile,
    frames,
    json_file,
    sample,
)
from dealtrace_engine.sources.dynamics.naming import (
    CUSTOM_PROCESS,
    LABEL,
    LOOKUP_TABLE,
    is_process,
    logical_columns,
    table_by_columns,
    table_of,
)
from dealtrace_engine.sources.dynamics.objects import ENTITY_SETS, KEYS
from dealtrace_engine.sources.dynamics.settle import Part
from dealtrace_engine.sources.files import input_files

if TYPE_CHECKING:
    import polars as pl

REASON, GONE = "reason", "id"
"""Keys of a record that change tracking says is gone."""
DETAIL = ("AuditDetail", "OldValue", "NewValue")
"""Keys of the answers of RetrieveRecordChangeHistory and RetrieveAuditDetails."""

CHANGES = "changedata"
AUDITED = {
    "auditid": "auditid", "objectid": "_objectid_value", "objecttypecode": "objecttypecode",
    "createdon": "createdon", "userid": "_userid_value",
    "action": "action", "operation": "operation",
}  # fmt: skip
"""Columns of an audit row, and what the Web API calls them."""


def read(path: Path, mapping: CrmMapping) -> Reading:
    """Find the tables in a file or folder of JSON.

    Parameters
    ----------
    path : Path
    mapping : CrmMapping

    Raises
    ------
    ParseError
        A file is no JSON of records.
    """
    reading = Reading()
    labels, unknown = [], []
    for file in input_files(path, SUFFIXES):
        source = json_file(file)
        records = sample(source)
        part = _part(source, records, mapping, reading.findings) if records else None
        if part is not None:
            reading.parts.append(part)
            labels += [(part.table, *label) for record in records for label in _labels(record)]
        elif records:
            unknown.append(file.path.name)
    if unknown:
        reading.notes.append(f"files of other tables, not read: {', '.join(unknown)}")
    reading.labels = label_rows(labels)
    return reading


def label_rows(labels: Sequence[tuple[str, str, str, str]]) -> pl.DataFrame:
    """Return labels as rows of the table `stringmap`, each once."""
    import polars as pl

    names = ("objecttypecode", "attributename", "attributevalue", "value")
    frame = pl.DataFrame(list(dict.fromkeys(labels)), schema=dict.fromkeys(names, pl.String), orient="row")
    return frame.with_columns(pl.lit(None, pl.String).alias("langid"))


def _part(
    source: JsonFile, records: Sequence[dict[str, Any]], mapping: CrmMapping, findings: list[Finding]
) -> Part | None:
    keys = list(dict.fromkeys(key for record in records for key in record))
    if any(key in keys for key in DETAIL):
        return Part(
            "audit",
            {name: name for name in AUDITED},
            partial(_detail_rows, source, findings),
            changes=CHANGES,
        )
    table, fixed = _table(source, keys, mapping), {}
    if table is None:
        return None
    if table == CUSTOM_PROCESS:
        fixed = {"bpf_table": source.entity_set or source.file.path.stem.lower()}
    columns = logical_columns(table, [*keys, *_annotations(keys)], mapping)
    key = columns.get(KEYS.get(table, ""))
    return Part(
        table,
        columns,
        partial(_rows, source, findings, key),
        deleted=None if key is None else REASON,
        fixed=fixed,
        changes=next((name for name in keys if name.lower() == CHANGES), None) if table == "audit" else None,
        others=[name for name in keys if "@" not in name and name not in columns.values()],
    )


def _table(source: JsonFile, keys: Sequence[str], mapping: CrmMapping) -> str | None:
    """Return the table of a file: as its context says, else its name, else its columns."""
    if source.entity_set is not None:
        named = ENTITY_SETS.get(source.entity_set) or table_of(source.entity_set, mapping)
        return named or (CUSTOM_PROCESS if is_process(keys) else None)
    named = table_of(source.file.path.name, mapping) or table_of(source.file.path.parent.name, mapping)
    return named or (CUSTOM_PROCESS if is_process(keys) else table_by_columns(keys))


def _annotations(keys: Sequence[str]) -> list[str]:
    """Return annotations that later records may have: a null has none in the first ones."""
    plain = [key for key in keys if "@" not in key]
    there = [key.partition("@")[2] for key in keys if "@" in key]
    kinds = {mark for mark in there if f"@{mark}".lower() in (LABEL, LOOKUP_TABLE)}
    return [f"{key}@{mark}" for mark in sorted(kinds) for key in plain]


def _rows(
    source: JsonFile, findings: list[Finding], key: str | None, columns: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """Yield records; one that is gone has its id under another key."""
    import polars as pl

    asked = list(dict.fromkeys([*columns, REASON, GONE]))
    for frame in frames(source, asked, findings):
        if key is None:
            yield frame
            continue
        there = pl.when(pl.col(REASON).is_in(["deleted", "changed"])).then(
            pl.col(GONE).str.split("(").list.last()
        )
        yield frame.with_columns(pl.coalesce(key, there.str.strip_suffix(")")).alias(key))


def _labels(record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return column, code and label of every option code of a record."""
    found = []
    for name, label in record.items():
        column, mark, annotation = name.partition("@")
        code = record.get(column)
        if f"{mark}{annotation}".lower() == LABEL and type(code) is int and isinstance(label, str):
            found.append((column.lower(), str(code), label))
    return [
        label for label in found if label[0].endswith("code") or label[0] in ("salesstage", "purchaseprocess")
    ]


def _detail_rows(source: JsonFile, findings: list[Finding], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield audit rows with their changes as JSON, made of the old and new values of audit details."""
    import polars as pl

    asked = ["AuditRecord", *DETAIL, *AUDITED.values()]
    for frame in frames(source, asked, findings):
        rows = [_detail(row) for row in frame.iter_rows(named=True)]
        yield pl.DataFrame(rows, schema=dict.fromkeys([*AUDITED, CHANGES], pl.String))


def _detail(row: Mapping[str, str | None]) -> dict[str, str | None]:
    """Make an audit row of a detail, which may hold its audit row, or be held by it."""
    detail = {**_object(row["AuditDetail"])} or {name: _object(row[name]) for name in DETAIL[1:]}
    audit: Mapping[str, Any] = _object(row["AuditRecord"]) or detail.get("AuditRecord") or row
    old, new = detail.get("OldValue") or {}, detail.get("NewValue") or {}
    names = dict.fromkeys(name for name in (*old, *new) if "@" not in name)
    changes = [
        {"logicalName": _logical(name), "oldValue": _text(old.get(name)), "newValue": _text(new.get(name))}
        for name in names
    ]
    found = {name: _text(audit.get(called)) for name, called in AUDITED.items()}
    return {**found, CHANGES: json.dumps({"changedAttributes": changes})}


def _object(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


def _logical(name: str) -> str:
    return name.removeprefix("_").removesuffix("_value") if name.startswith("_") else name


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
