"""The audited changes, split by attribute piece by piece, are those that each attribute finds by itself."""

from __future__ import annotations

import polars as pl
import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.dynamics import audited
from dealtrace_engine.sources.dynamics.audited import ASKED, audited_records, audited_updates, split_audit
from dynamics_rows import at, audit, export

ROWS = [
    audit("opportunity", "o1", "estimatedvalue", "1", "2.5", at(1)),
    audit("opportunity", "o1", "ownerid", "systemuser,u1", "systemuser,u2", at(2)),
    audit("quote", "q1", "statecode", "0", "1", at(3)),
    audit("opportunity", "o2", "estimatedvalue", None, "7", at(4), by=None),
    audit("opportunity", "o2", "description", "a", "b", at(5)),
    {**audit("opportunity", "o3", "ownerid", "systemuser,u1", "systemuser,u2", at(6)), "operation": None},
    {**audit("opportunity", "o4", "ownerid", "systemuser,u1", "systemuser,u2", at(7)), "operation": 1},
]


def tables(pieces=1):
    """Return the audited changes, as one frame or in so many pieces."""
    read = export({"audit_changes": ROWS})
    if pieces == 1:
        return read
    whole = read.table("audit_changes").collect()
    size = -(-whole.height // pieces)
    parts = pl.concat([part.rechunk() for part in whole.iter_slices(size)], rechunk=False)
    read.raw.typed["audit_changes"] = lambda: (parts, [])
    return CrmTables(read.raw, read.catalog)


@pytest.mark.parametrize("named", [{}, {"audit_changes": "audit_changes"}])
@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
def test_split_piece_by_piece(pieces, named, monkeypatch):
    monkeypatch.setattr(audited, "ROWS_AT_A_TIME", 2)
    by_itself, split = tables(), tables(pieces)
    split_audit(split, CrmMapping(objects=named))
    assert ("audit_changes" in split._held) == bool(named)
    for table, attributes in ASKED.items():
        for attribute in attributes:
            expected = audited_updates(by_itself, table, attribute)
            assert audited_updates(split, table, attribute).equals(expected, null_equal=True)
    found = audited_records(split, "opportunity").collect()
    assert sorted(found["record_id"]) == ["o1", "o2"]
    assert audited_updates(split, "opportunity", "estimatedvalue")["new"].to_list() == [2.5, 7.0]
    assert audited_updates(split, "opportunity", "ownerid")["record_id"].to_list() == ["o1", "o3"]


def test_no_audit():
    nothing = export({"opportunity": [{"opportunityid": "o1"}]})
    split_audit(nothing, CrmMapping())
    assert audited_updates(nothing, "quote", "statecode").height == 0
    assert audited_records(nothing, "opportunity").collect().height == 0
