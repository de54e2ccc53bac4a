"""Organisations that are made in parts: whole, without a clash, and with the truth that fits them."""

import csv
import json
from functools import cache
from pathlib import Path

import polars as pl
import pytest

import dealtrace as dt
import test_crm_truth as of_truth
from dealtrace_engine.errors import OutputError
from dealtrace_engine.synthetic.crm import dynamics_tables, salesforce_tables
from dealtrace_engine.synthetic.crm.dynamics_shapes.schema import key_of
from dealtrace_engine.synthetic.crm.facts import facts
from dealtrace_engine.synthetic.crm.parts import Part, parts
from dealtrace_engine.synthetic.crm.planted import Evidence
from dealtrace_engine.synthetic.crm.room import check_room, room_of
from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceSetup
from dealtrace_engine.synthetic.crm.spool import Spool, parts_of
from dealtrace_engine.synthetic.crm.writing import EXPORT, PLANTED, SYSTEMS, TRUTH, write_organisation

SHAPES = [(system, shape) for system, shapes in SYSTEMS.items() for shape in shapes]
DEALS, SEED, CASES = 90, 5, 40
"""Three parts."""


@pytest.fixture(scope="module")
def told():
    return [facts(DEALS, SEED, part=part) for part in parts(DEALS, CASES)]


def test_parts_are_all_cases_once():
    made = parts(DEALS, CASES)
    assert [(part.first, part.last) for part in made] == [(0, 40), (40, 80), (80, 104)]
    assert [part.is_first for part in made] == [True, False, False]
    assert not made[0].is_whole
    assert parts(DEALS) == [Part(0, 1 << 16, 104)]
    assert parts(DEALS)[0].is_whole


@cache
def tables_of(system, packaged=False):
    told = [facts(DEALS, SEED, part=part) for part in parts(DEALS, CASES)]
    if system == "dynamics":
        return [dynamics_tables.dynamics_tables(part) for part in told], dynamics_tables.SHARED
    setup = SalesforceSetup(packaged=packaged)
    return [salesforce_tables.salesforce_tables(part, setup) for part in told], salesforce_tables.SHARED


@pytest.mark.parametrize(
    ("system", "packaged"), [("salesforce", False), ("salesforce", True), ("dynamics", False)]
)
def test_no_id_is_given_twice_and_what_parts_share_is_the_same(system, packaged):
    made, shared = tables_of(system, packaged)
    assert shared <= set(made[0])
    for name in made[0]:
        rows = [tables[name] for tables in made]
        if name in shared:
            numbered = ["versionnumber"] if system == "dynamics" else ["Id"] if name == "FieldHistory" else []
            kept = [table.drop(column for column in numbered if column in table.columns) for table in rows]
            assert all(table.equals(kept[0]) for table in kept), name
            continue
        joined = pl.concat(rows)
        for key in {"Id", "auditid", "versionnumber", key_of(name, joined.columns)} & set(joined.columns):
            assert joined[key].is_unique().all(), (name, key)


def test_parts_are_about_different_deals(told):
    deals = pl.concat(part["opportunities"] for part in told)
    assert deals["opportunity"].is_unique().all()
    assert deals.height > DEALS - 5
    starts = [part["opportunities"]["created"].median() for part in told]
    assert starts == sorted(starts)
    assert deals.select("amount", "created").is_duplicated().sum() == 0


@pytest.fixture(
    scope="module", params=[("salesforce", "data-export"), ("dynamics", "synapse-link")], ids="/".join
)
def organisation(request, tmp_path_factory):
    system, shape = request.param
    folder = tmp_path_factory.mktemp("parts") / "organisation"
    written = write_organisation(system, shape, DEALS, SEED, folder, part_cases=CASES)
    zone = written.zone or of_truth.ZONES[system]
    log = of_truth.READERS[system](folder / EXPORT, timezone=zone)
    return written, (shape, log, pl.read_parquet(folder / TRUTH), zone)


def test_the_readers_find_everything_and_invent_nothing(organisation):
    _, found = organisation
    of_truth.test_every_event_that_left_a_trace_is_found_at_its_time(found)
    of_truth.test_nothing_is_invented(found)
    of_truth.test_every_deal_that_is_shown_is_a_case(found)


def test_the_truth_and_what_was_planted_are_of_all_parts(organisation, told):
    written, (_, _, truth, _) = organisation
    assert sorted(path.name for path in written.folder.iterdir()) == [EXPORT, PLANTED, TRUTH]
    assert truth.height == sum(counts["events"] for counts in written.events.values())
    assert truth["derivable"].sum() == sum(counts["derivable"] for counts in written.events.values())
    planted = json.loads((written.folder / PLANTED).read_text("utf-8"))
    evidence = Evidence()
    for part in told:
        evidence.add(part)
    assert planted["findings"] == json.loads(json.dumps(evidence.planted()["findings"]))
    won = pl.concat(part["opportunities"] for part in told).filter(outcome="Won")
    region = planted["findings"]["region_without_contracts"]
    assert region["won"] == won.filter(region=region["name"]).height
    accounts = told[0]["accounts"]
    assert planted["dirt"]["merged_accounts"] == accounts["merged_into"].count()


def rows_of(made):
    """Return the rows of the CSV files of an export, by the name of the file."""
    found = {}
    for path in (made.folder / EXPORT).glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            found[path.stem] = list(csv.DictReader(file))
    return found


def test_every_id_of_the_files_leads_to_a_record(tmp_path):
    made = write_organisation("salesforce", "data-export", DEALS, SEED, tmp_path / "org", part_cases=CASES)
    files = rows_of(made)
    ids = {name: {row["Id"] for row in rows} for name, rows in files.items()}
    assert sum(map(len, ids.values())) == len(set().union(*ids.values())) == sum(map(len, files.values()))
    for name, column, other in (
        ("Opportunity", "AccountId", "Account"), ("Opportunity", "OwnerId", "User"),
        ("Contact", "AccountId", "Account"), ("Lead", "OwnerId", "User"), ("Quote", "AccountId", "Account"),
        ("QuoteLineItem", "QuoteId", "Quote"), ("QuoteHistory", "QuoteId", "Quote"),
        ("OrderItem", "OrderId", "Order"), ("OrderItem", "Product2Id", "Product2"),
        ("InvoiceLine", "InvoiceId", "Invoice"), ("PaymentLineInvoice", "PaymentId", "Payment"),
        ("ProcessInstanceStep", "ProcessInstanceId", "ProcessInstance"), ("Task", "OwnerId", "User"),
    ):  # fmt: skip
        assert {row[column] for row in files[name]} <= ids[other], (name, column)
    gone = json.loads((made.folder / PLANTED).read_text("utf-8"))["dirt"]["deleted_deals"]
    for name in ("OpportunityFieldHistory", "OpportunityHistory", "OpportunityLineItem", "Quote"):
        assert len({row["OpportunityId"] for row in files[name]} - ids["Opportunity"]) <= gone


def test_what_was_planted_is_what_the_files_hold(tmp_path):
    """In a replica, where deleted records still are."""
    made = write_organisation("salesforce", "replica", 400, SEED, tmp_path / "org", part_cases=170)
    files, told = rows_of(made), json.loads((made.folder / PLANTED).read_text("utf-8"))
    deals, leads, accounts = files["opportunity"], files["lead"], files["account"]

    def count(rows, **values):
        return sum(all(row[column] == value for column, value in values.items()) for row in rows)

    dirt, region = told["dirt"], told["findings"]["region_without_contracts"]
    assert dirt["deleted_deals"] == count(deals, is_deleted="true") > 0
    assert dirt["merged_leads"] == sum(row["master_record_id"] != "" for row in leads) > 0
    assert dirt["merged_accounts"] == sum(row["master_record_id"] != "" for row in accounts) == 40
    assert dirt["foreign_currency_deals"] == sum(row["currency_iso_code"] != "EUR" for row in deals)
    assert dirt["recurring_invoices"] == count(files["invoice"], type_c="Recurring")
    assert dirt["recalled_approvals"] == count(files["process_instance"], status="Removed")
    rows = [row for name in files for row in files[name]]
    assert dirt["deleted_rows"] == sum(row.get("is_deleted") == "true" for row in rows)
    there = {row["id"] for row in accounts if row["region_c"] == region["name"]}
    assert region["won"] == sum(row["account_id"] in there for row in deals if row["is_won"] == "true") > 0


@pytest.mark.parametrize(("system", "shape"), SHAPES)
def test_a_spool_is_written_as_the_tables_in_memory_are(system, shape, tmp_path):
    """The files do not depend on where the tables were kept."""
    from dealtrace_engine.synthetic.crm.dynamics_shapes import writing as dynamics
    from dealtrace_engine.synthetic.crm.salesforce_shapes import writing as salesforce

    writing = salesforce if system == "salesforce" else dynamics
    write = salesforce.write_salesforce if system == "salesforce" else dynamics.write_dynamics
    made, shared = tables_of(system)
    (tmp_path / "spool").mkdir()
    spool, memory = Spool(tmp_path / "spool", shared), {}
    for tables in made:
        for name, rows in writing.kept_tables(tables, shape).items():
            spool.add(name, rows)
            if name not in memory or name not in shared:
                memory[name] = pl.concat([memory[name], rows]) if name in memory else rows
    for name, tables in (("one", spool), ("other", memory)):
        (tmp_path / name).mkdir()
        write(tables, tmp_path / name, shape)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "other")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_spool_gives_slices_over_the_ends_of_its_parts(tmp_path):
    spool, numbers = Spool(tmp_path, frozenset({"shared"})), list(range(10))
    for first, last in ((0, 3), (3, 3), (3, 10)):
        spool.add("own", pl.DataFrame({"n": numbers[first:last]}, schema={"n": pl.Int64}))
        spool.add("shared", pl.DataFrame({"n": [1]}))
    assert [part["n"].to_list() for part in spool.slices("own", 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert (spool.height("own"), spool.height("shared"), len(spool)) == (10, 1, 2)
    assert spool["own"]["n"].to_list() == numbers
    assert "other" not in spool
    with pytest.raises(KeyError):
        spool["other"]


def test_a_spool_gives_its_parts_with_what_they_share(tmp_path):
    spool = Spool(tmp_path, frozenset({"shared"}))
    for number in range(3):
        spool.add("own", pl.DataFrame({"n": [number]}))
        spool.add("shared", pl.DataFrame({"n": [9]}))
    parts = list(parts_of(spool))
    assert [sorted(own) for _, own in parts] == [["own", "shared"], ["own"], ["own"]]
    assert [tables["own"]["n"].to_list() for tables, _ in parts] == [[0], [1], [2]]
    assert all(tables["shared"]["n"].to_list() == [9] and len(tables) == 2 for tables, _ in parts)
    [(memory, own)] = parts_of({"own": pl.DataFrame()})
    assert (list(memory), own) == (["own"], ["own"])


def test_a_disk_without_room_is_told_before_anything_is_made(tmp_path, monkeypatch):
    assert room_of("salesforce", "data-export", 2_700_000) > 20e9
    monkeypatch.setattr("dealtrace_engine.synthetic.crm.room.disk_usage", lambda _: (0, 0, 1_000_000))
    check_room("salesforce", "data-export", 20, tmp_path / "not" / "there")
    with pytest.raises(OutputError, match=r"there are 0\.0 GB"):
        check_room("salesforce", "data-export", 2_700_000, tmp_path / "not" / "there")


def test_progress_goes_through_all_parts(tmp_path):
    steps = []

    def progress(done, of):
        steps.append((done, of))
        return True

    write_organisation(
        "salesforce", "bulk", DEALS, SEED, tmp_path / "org", part_cases=CASES, progress=progress
    )
    assert steps[:3] == [(40, 104), (80, 104), (104, 104)]
    assert steps[-1][0] == steps[-1][1]
    assert dt.read_salesforce(tmp_path / "org" / EXPORT).cases > DEALS - 10
