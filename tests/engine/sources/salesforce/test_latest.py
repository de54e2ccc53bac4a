"""The latest instants that the one look at the bytes of CSV files tells are those that are read."""

from __future__ import annotations

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.read import raw_export
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.system import SYSTEM
from dealtrace_engine.synthetic.crm.writing import EXPORT, SYSTEMS, write_organisation
from salesforce_exports import OPPORTUNITY, OTHER, quoted, read, written

HEADER = ("Id", "StageName", "SystemModstamp", "CreatedDate")
STAMP, LATER = "2024-01-02 10:00:00", "2024-01-09 10:00:00"


def latest(folder, *stamps, part=""):
    """The latest SystemModstamp that is known of opportunities with these."""
    deals = [(id_, "Won", stamp, STAMP) for id_, stamp in zip((OPPORTUNITY, OTHER), stamps, strict=False)]
    raw = read(written(folder / part, Opportunity=quoted(HEADER, *deals)) and folder)
    return raw.latest.get(("Opportunity", "SystemModstamp"))


@pytest.mark.parametrize("shape", SYSTEMS["salesforce"])
def test_what_is_known_is_what_is_read(shape, tmp_path):
    write_organisation("salesforce", shape, 30, 5, tmp_path / "organisation")
    raw, _ = raw_export(SYSTEM, tmp_path / "organisation" / EXPORT, None, CrmMapping())
    tables = CrmTables(raw, CATALOG)
    for name, column in raw.latest:
        assert tables.latest(name, column) == tables.span(name, column)[1]
    if shape == "data-export":
        history = {(name, "CreatedDate") for name in SYSTEM.history if name in tables.objects}
        assert {("Opportunity", stamp) for stamp in SYSTEM.stamps} | history <= set(raw.latest)


def test_of_times_in_one_form_the_greatest_text_is_known(tmp_path):
    assert latest(tmp_path, STAMP, LATER).strftime("%d %H %Z") == "09 10 UTC"


@pytest.mark.parametrize(
    "odd", ["2024-01-09T10:00:00.000Z", "1/9/2024 10:00:00 AM", "soon", "2024-13-09 10:00:00"]
)
def test_what_is_written_otherwise_is_looked_up(tmp_path, odd):
    assert latest(tmp_path, STAMP, odd) is None


def test_nothing_is_known_of_generations_which_leave_rows_out(tmp_path):
    assert latest(tmp_path, STAMP, part="a") is not None
    assert latest(tmp_path, LATER, part="b") is None


def test_a_row_that_is_left_out_is_not_the_latest(tmp_path):
    path = written(tmp_path, Opportunity=quoted(HEADER, (OPPORTUNITY, "Won", STAMP, STAMP)))
    with (path / "Opportunity.csv").open("a") as file:
        file.write(f'"{OTHER}","Won","{LATER}","{STAMP}","more"\n')
    raw = read(path)
    tables = CrmTables(raw, CATALOG)
    assert raw.latest == {}
    assert tables.latest("Opportunity", "SystemModstamp").strftime("%d") == "02"
