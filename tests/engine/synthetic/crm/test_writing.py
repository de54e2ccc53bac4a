"""Organisations on disk: what is where, that it is whole, and that the truth fits the export beside it."""

import csv
import json
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from dealtrace_engine.errors import ArgumentError, Cancelled, OutputError
from dealtrace_engine.synthetic.crm.facts import facts
from dealtrace_engine.synthetic.crm.planted import planted
from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceSetup
from dealtrace_engine.synthetic.crm.salesforce_shape_truth import shape_truth, traced_tables
from dealtrace_engine.synthetic.crm.salesforce_tables import salesforce_tables
from dealtrace_engine.synthetic.crm.salesforce_truth import salesforce_truth
from dealtrace_engine.synthetic.crm.truth_file import COLUMNS
from dealtrace_engine.synthetic.crm.writing import SYSTEMS, write_organisation

SHAPES = [(system, shape) for system, shapes in SYSTEMS.items() for shape in shapes]


def bytes_of(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(("system", "shape"), SHAPES)
def test_every_shape(system, shape, tmp_path):
    made = write_organisation(system, shape, 15, 4, tmp_path / "org")
    assert sorted(path.name for path in made.folder.iterdir()) == ["export", "planted.json", "truth.parquet"]
    truth = pl.read_parquet(made.folder / "truth.parquet")
    assert tuple(truth.columns) == COLUMNS
    assert truth["derivable"].sum() == sum(counts["derivable"] for counts in made.events.values()) > 0
    assert truth.height == sum(counts["events"] for counts in made.events.values())
    assert truth.filter(pl.col("derivable"))["precision"].null_count() == 0
    assert truth.filter(~pl.col("derivable"))["note"].null_count() == 0
    assert truth.filter(pl.col("case_id").is_not_null())["case_shown"].any()
    told = json.loads((made.folder / "planted.json").read_text("utf-8"))
    assert (told["system"], told["shape"]) == (system, shape)
    for key, found in json.loads(json.dumps(planted(facts(15, 4)))).items():
        assert {name: told[key][name] for name in found} == found
    files = [path for path in (made.folder / "export").rglob("*") if path.is_file()]
    assert (len(files), sum(path.stat().st_size for path in files)) == (made.files, made.size)
    assert (made.zone is not None) == (shape in ("report", "excel"))


@pytest.mark.parametrize(("system", "shape"), [("salesforce", "bulk"), ("dynamics", "synapse-append")])
def test_the_same_seed_gives_the_same_bytes(system, shape, tmp_path):
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        write_organisation(system, shape, 12, seed, tmp_path / name)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b") != bytes_of(tmp_path / "c")


def test_ids_of_the_truth_are_those_of_the_export(tmp_path):
    made = write_organisation("salesforce", "data-export", 30, 3, tmp_path / "org")
    truth = pl.read_parquet(made.folder / "truth.parquet").filter("derivable")

    def ids(name: str) -> set[str]:
        with (made.folder / "export" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            return {row["Id"] for row in csv.DictReader(file)}

    cases = truth.filter("case_shown")
    assert set(cases["case_id"]) <= ids("Opportunity") | ids("Lead")
    for kind in ("quote", "order", "invoice", "payment"):
        assert set(truth.filter(pl.col("object") == kind)["record_id"]) <= ids(kind.title())
    contacts = truth.filter(pl.col("object") == "contact")
    assert set(contacts["record_id"]) <= ids("Task") | ids("Event") | ids("EmailMessage")


@pytest.mark.parametrize("setup", [SalesforceSetup(), SalesforceSetup(24, packaged=True)])
def test_what_the_rows_tell_is_what_the_rules_say(setup):
    """Two ways to the same answer: by looking for rows, and by reasoning about the facts."""
    made = facts(1500, seed=6)
    tables = traced_tables(salesforce_tables(made, setup), "bulk")
    looked = pl.concat(list(shape_truth(made, "bulk", tables, setup)), how="diagonal")
    reasoned = salesforce_truth(made, setup, deleted_rows=True)
    both = ["activity", "timestamp", "record_id", "derivable"]
    assert looked.select(both).sort(both).equals(reasoned.select(both).sort(both))
    days = looked.filter("derivable", pl.col("precision") == "date").height
    assert days == reasoned.filter("derivable", pl.col("precision") == "date").height > 0


def test_a_report_shows_less_and_only_minutes(tmp_path):
    made = write_organisation("salesforce", "report", 60, 3, tmp_path / "org", language="de")
    truth = pl.read_parquet(made.folder / "truth.parquet").filter("derivable")
    assert set(truth["object"]) == {"opportunity"}
    assert set(truth["precision"]) == {"minute"}
    assert made.zone == "Europe/Berlin"


def test_hidden_contacts_leave_another_first_one(tmp_path):
    made = write_organisation("salesforce", "data-export", 400, 3, tmp_path / "org")
    truth = pl.read_parquet(made.folder / "truth.parquet").filter("derivable", pl.col("object") == "contact")
    first = truth.filter(pl.col("activity") == "first_customer_contact")
    assert first.height == truth.select("case_object", "case_id").n_unique()
    assert (first["note"] == "earlier contacts are not in the export").any()


def test_lists_tell_only_what_a_record_says_itself(tmp_path):
    made = write_organisation("dynamics", "excel", 80, 3, tmp_path / "org")
    truth = pl.read_parquet(made.folder / "truth.parquet").filter("derivable")
    assert set(truth.filter(pl.col("activity") == "quote_accepted")["precision"]) == {"date"}
    assert set(truth.filter(pl.col("activity") == "quote_created")["precision"]) == {"instant"}
    assert not truth["activity"].str.contains("approval|contact|stage").any()


def test_references_stand_for_ids_in_a_tree(tmp_path):
    made = write_organisation("salesforce", "tree", 20, 3, tmp_path / "org")
    truth = pl.read_parquet(made.folder / "truth.parquet").filter("derivable")
    records = json.loads((made.folder / "export/Opportunity.json").read_text("utf-8"))["records"]
    names = {f"@{record['attributes']['referenceId']}" for record in records}
    assert set(truth.filter(pl.col("case_object") == "opportunity")["case_id"]) <= names


def test_packages_for_quoting_and_billing(tmp_path):
    made = write_organisation("salesforce", None, 60, 3, tmp_path / "org", packaged=True)
    names = {path.stem for path in (made.folder / "export").iterdir()}
    assert {"SBQQ__Quote__c", "blng__Invoice__c", "blng__PaymentAllocationInvoice__c"} <= names
    assert not {"Quote", "Invoice", "PaymentLineInvoice"} & names
    assert made.events["quote_created"]["derivable"]
    assert made.events["payment_received"]["derivable"]


def test_options_of_the_shape(tmp_path):
    made = write_organisation("salesforce", "bulk", 5, 1, tmp_path / "org", delimiter="pipe", compressed=True)
    assert {path.name[-7:] for path in (made.folder / "export").iterdir()} == {".csv.gz"}


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("sap", None, 5, 1), {}, "no CRM 'sap'; choose from salesforce, dynamics"),
        (("salesforce", "web-api", 5, 1), {}, "no shape 'web-api' of a Salesforce export"),
        (("dynamics", "bulk", 5, 1), {}, "no shape 'bulk' of a Dynamics export"),
        (("salesforce", None, 5, 1), {"language": "tlh"}, "no language 'tlh'"),
        (("salesforce", "bulk", 5, 1), {"delimiter": "colon"}, "does not write 'colon'"),
        (("salesforce", "replica", 5, 1), {"delimiter": "tab"}, "no option 'delimiter'"),
        (("dynamics", None, 5, 1), {"packaged": True}, "packages of Salesforce"),
        (("salesforce", None, 0, 1), {}, "deals"),
        (("salesforce", None, 5, -1), {}, "seed"),
    ],
)
def test_bad_arguments_leave_nothing_behind(arguments, options, said, tmp_path):
    with pytest.raises(ArgumentError, match=said):
        write_organisation(*arguments, tmp_path / "org", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_taken(tmp_path):
    (tmp_path / "org").mkdir()
    (tmp_path / "org/mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        write_organisation("salesforce", None, 5, 1, tmp_path / "org")
    with pytest.raises(OutputError, match="is a file"):
        write_organisation("salesforce", None, 5, 1, tmp_path / "org/mine.txt")
    assert (tmp_path / "org/mine.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    assert write_organisation("salesforce", None, 5, 1, tmp_path / "empty").files


def test_cancelling_leaves_nothing_behind(tmp_path):
    calls: list[tuple[int, int]] = []

    def progress(done: int, of: int) -> bool:
        calls.append((done, of))
        return len(calls) < 4

    with pytest.raises(Cancelled):
        write_organisation("salesforce", None, 5, 1, tmp_path / "org", progress=progress)
    assert len(calls) == 4
    assert list(tmp_path.iterdir()) == []
