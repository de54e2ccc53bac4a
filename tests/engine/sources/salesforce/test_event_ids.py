"""Events hold ids as numbers where an export has those of Salesforce; other keys stay texts."""

from __future__ import annotations

import polars as pl
import pytest

import dealtrace as dt
from dealtrace_engine.sources.crm.ids import SalesforceIds, TextIds
from naive.record_ids import checksum

DEALS = [f"0064600000J5S{n:02d}" for n in range(20)]


def log(ids):
    deals = pl.DataFrame({
        "Id": ids, "CreatedDate": ["2024-01-01T10:00:00.000Z"] * len(ids), "StageName": ["Open"] * len(ids),
    })  # fmt: skip
    return dt.read_salesforce(tables={"Opportunity": deals})


@pytest.mark.parametrize(
    ("ids", "kind", "written"),
    [
        (DEALS, SalesforceIds, [text + checksum(text) for text in DEALS]),
        ([*DEALS[1:], "own key"], SalesforceIds, [*(text + checksum(text) for text in DEALS[1:]), "own key"]),
        ([f"@Opportunity{n:02d}" for n in range(20)], TextIds, [f"@Opportunity{n:02d}" for n in range(20)]),
    ],
)
def test_how_ids_are_held(ids, kind, written):
    found = log(ids)
    assert isinstance(found.origin.source.ids, kind)
    assert found.case_ids.to_pylist() == sorted(written)
    assert sorted(found.attribute("record_id").per_event(found.case_offsets).to_pylist()) == sorted(written)
