"""`sf data export tree`: records that name each other by references instead of ids."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.salesforce_shapes.rest_json import DAY, INSTANT
from dealtrace_engine.synthetic.crm.spool import columns_of, selected

if TYPE_CHECKING:
    import polars as pl

CHILDREN = {"OpportunityLineItem": ("Opportunity", "OpportunityId", "OpportunityLineItems")}
"""Objects that are nested in their parent: it, the column that points to it, and the key there."""

Record = dict[str, Any]


def write_tree(export: Export) -> None:
    """Write ``Opportunity.json`` and so on, each with the plan that imports it.

    Parameters
    ----------
    export : Export
    """
    references = reference_names(export.tables)
    numbers = _numbers(export.tables, references)
    nested = {name: at for name, at in CHILDREN.items() if {name, at[0]} <= set(export.tables)}
    for name in sorted(set(export.tables) - set(nested)):
        children = _children(export, name, nested, numbers, references)
        with (export.folder / f"{name}.json").open("x", encoding="utf-8", newline="") as file:
            _write_records(file, _records(export, name, numbers, references), children)
        plan = [{"sobject": name, "saveRefs": True, "resolveRefs": True, "files": [f"{name}.json"]}]
        (export.folder / f"{name}-plan.json").write_text(json.dumps(plan, indent=4), "utf-8", newline="")


def reference_names(tables: Iterable[str]) -> dict[str, str]:
    """Return for each object what its references begin with; the number of the record follows.

    Examples
    --------
    >>> reference_names(["Opportunity", "SBQQ__Quote__c"])
    {'Opportunity': 'OpportunityRef', 'SBQQ__Quote__c': 'SBQQQuotecRef'}
    """
    return {name: f"{name.replace('_', '')}Ref" for name in tables}


def _numbers(tables: Mapping[str, pl.DataFrame], references: Mapping[str, str]) -> dict[str, str]:
    """Return the reference of every record id."""
    return {
        identifier: f"{references[name]}{number}"
        for name in tables
        if "Id" in columns_of(tables, name)
        for number, identifier in enumerate(selected(tables, name, ["Id"])["Id"].to_list(), 1)
    }


def _records(
    export: Export, name: str, numbers: Mapping[str, str], references: Mapping[str, str]
) -> Iterator[Record]:
    """Yield the records, without what is null in them."""
    number = 0
    for rows in export.slices(name):
        for row in _with_text(rows).iter_rows(named=True):
            number += 1
            record: Record = {"attributes": {"type": name, "referenceId": f"{references[name]}{number}"}}
            for column, value in row.items():
                if value is None or column == "Id":
                    continue
                known = numbers.get(value) if isinstance(value, str) else None
                record[column] = f"@{known}" if known else value
            yield record


def _with_text(rows: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return rows.with_columns(
        pl.col(column).dt.to_string(INSTANT if isinstance(kind, pl.Datetime) else DAY)
        for column, kind in rows.schema.items()
        if kind.is_temporal()
    )


def _children(
    export: Export, name: str, nested: Mapping[str, tuple[str, str, str]], numbers: Mapping[str, str],
    references: Mapping[str, str],
) -> dict[str, dict[str, list[Record]]]:  # fmt: skip
    """Return for each parent record, by its reference, the lists of its children."""
    found: dict[str, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for child, (parent, column, key) in nested.items():
        if parent != name:
            continue
        for record in _records(export, child, numbers, references):
            found[record.pop(column, "")][key].append(record)
    return found


def _write_records(
    file: IO[str],
    records: Iterator[Record],
    children: Mapping[str, Mapping[str, list[Record]]],
) -> None:
    file.write('{\n    "records": [')
    for place, record in enumerate(records):
        below = children.get(f"@{record['attributes']['referenceId']}", {})
        record |= {key: {"records": list(rows)} for key, rows in below.items()}
        file.write(f"{',' if place else ''}\n        {json.dumps(record, ensure_ascii=False)}")
    file.write("\n    ]\n}\n")
