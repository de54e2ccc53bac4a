"""One organisation in every shape that tells the same, written by code that knows nothing of the readers."""

import polars as pl
import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.dynamics.objects import CATALOG, KEYS
from dealtrace_engine.sources.dynamics.recognise import recognise
from dealtrace_engine.sources.dynamics.shapes import read_raw
from dealtrace_engine.synthetic.crm.writing import write_organisation

ZONE = "Europe/Berlin"
SALES = ("lead", "opportunity", "quote", "salesorder", "invoice", "opportunityclose", "systemuser", "email")


def written(folder, shape):
    organisation = write_organisation("dynamics", shape, 40, 5, folder / shape)
    path = folder / shape / "export"
    assert recognise(path) == shape
    return organisation, CrmTables(read_raw(path, shape, CrmMapping(zone=ZONE)), CATALOG)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return written(tmp_path_factory.mktemp("pages"), "web-api")


def test_every_row_of_pages_is_read(pages):
    organisation, tables = pages
    for name in KEYS:
        if name in organisation.rows:
            height = tables.table(name).collect().height
            assert tables.rows(name) == organisation.rows[name], name
            assert name == "audit" or height == organisation.rows[name], (
                name
            )  # of which few rows tell something
    assert not tables.raw.findings
    audit, changes = (tables.table(name).collect() for name in ("audit", "audit_changes"))
    assert 0 < audit.height < organisation.rows["audit"]
    assert audit["operation"].is_in([1.0, 3.0]).any()
    assert 0 < changes["auditid"].n_unique() < organisation.rows["audit"]
    assert changes["operation"].unique().to_list() == [2.0]


@pytest.mark.parametrize("shape", ["synapse-link", "replica"])
def test_other_shapes_have_the_same_cells(tmp_path, pages, shape):
    _, first = pages
    _, tables = written(tmp_path, shape)
    for name in SALES:
        columns = [c for c in first.columns(name) if not c.endswith("name")]
        assert set(columns) - set(tables.columns(name)) <= {
            "ownerid_entitytype",
            "regardingobjectid_entitytype",
        }
        both = [column for column in columns if column in tables.columns(name)]
        one, other = (t.table(name).select(both).sort(KEYS[name]).collect() for t in (first, tables))
        assert one.equals(other), name


def test_workbooks_have_the_same_records_and_states(tmp_path, pages):
    _, first = pages
    _, tables = written(tmp_path, "excel")
    for name in ("lead", "opportunity", "quote", "salesorder", "invoice"):
        columns = [KEYS[name], "statecode", "statuscode"]
        one, other = (t.table(name).select(columns).sort(KEYS[name]).collect() for t in (first, tables))
        known = other.filter(pl.col("statuscode").is_not_null())
        assert one.select(columns[:2]).equals(other.select(columns[:2])), name
        assert known.join(one, on=columns).height == known.height
