"""The weekly Data Export, held against files of a real one."""

import csv
import io
import re
import zipfile

import polars as pl
import pytest

import shape_tables as made
from dealtrace_engine.synthetic.crm.salesforce_shapes.data_export import exported_rows
from dealtrace_engine.synthetic.crm.salesforce_shapes.headers import HEADERS, NULL_ID, missing_id
from dealtrace_engine.synthetic.crm.salesforce_shapes.writing import write_salesforce
from dealtrace_engine.synthetic.crm.texts import TextForm
from shared_data import SHARED, needs_shared

REAL = None if SHARED is None else SHARED / "data/crm/salesforce_data_export"


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def real(name: str) -> tuple[str, list[dict[str, str]]]:
    text = (REAL / f"{name}.csv").read_bytes().decode()
    return text.partition("\n")[0].rstrip("\r"), table(text)


def opportunities(folder, **options) -> tuple[str, list[dict[str, str]]]:
    write_salesforce(made.salesforce(), folder, "data-export", **options)
    text = (folder / "Opportunity.csv").read_bytes().decode()
    return text, table(text)


def test_values(tmp_path):
    text, (one, won) = opportunities(tmp_path)  # the third is deleted
    assert all(
        re.fullmatch('(?:"(?:[^"]|"")*",?)+', line) for line in text.replace(",\nthen", "").splitlines()
    )
    assert "\r" not in text
    assert (one["IsWon"], won["IsWon"], one["IsDeleted"]) == ("0", "1", "0")
    assert one["CreatedDate"] == "2023-01-05 17:07:21"
    assert one["CloseDate"] == "2024-01-31 00:00:00"
    assert (one["Amount"], won["Amount"]) == ("15000", "1500.25")
    assert won["Name"] == made.TEXT
    assert (won["AccountId"], one["CampaignId"], one["ContractId"]) == (NULL_ID, NULL_ID, "")
    assert one["Locations__c"] == "2.0"
    assert list(one)[-2:] == ["CurrencyIsoCode", "Locations__c"]  # what real orders do not know comes last


def test_rows_of_a_slice_without_rows_still_have_a_header(tmp_path):
    write_salesforce({"Quote": made.salesforce()["Quote"].head(0)}, tmp_path, "data-export")
    assert (tmp_path / "Quote.csv").read_text() == '"Id","OpportunityId","Status"\n'


def test_formulas_are_left_out():
    frame = pl.DataFrame({"Id": ["x"], "blng__PaymentStatus__c": ["Paid"], "blng__Balance__c": [0.0]})
    form = TextForm("", "")
    assert exported_rows("blng__Invoice__c", frame, form).columns == ["Id", "blng__Balance__c"]


@pytest.mark.parametrize("shape", ["data-export", "data-export-zip"])
def test_a_large_object_goes_on_in_the_next_part(shape, tmp_path):
    many = pl.DataFrame({"Id": [f"00T{n:015}" for n in range(120_000)], "Subject": ["Call"] * 120_000})
    write_salesforce({"Task": many, "User": made.salesforce()["User"]}, tmp_path, shape, part_bytes=100_000)
    parts = sorted(tmp_path.iterdir())
    assert len(parts) >= 3
    assert all(re.fullmatch(r"WE_00D\w{15}_\d(\.ZIP)?", part.name) for part in parts)
    if shape == "data-export":
        files = {part.name: {f.name: f.read_text() for f in part.iterdir()} for part in parts}
    else:
        files = {
            part.name: {
                name: zipfile.ZipFile(part).read(name).decode() for name in zipfile.ZipFile(part).namelist()
            }
            for part in parts
        }
    tasks = [file["Task.csv"] for file in files.values() if "Task.csv" in file]
    assert all(text.startswith('"Id","Subject"\n') for text in tasks)
    assert [row["Id"] for text in tasks for row in table(text)] == many["Id"].to_list()
    assert sum("User.csv" in file for file in files.values()) == 1


def test_the_zip_has_the_day_alone(tmp_path):
    write_salesforce(made.salesforce(), tmp_path, "data-export-zip")
    (part,) = tmp_path.iterdir()
    row = table(zipfile.ZipFile(part).read("Opportunity.csv").decode())[0]
    assert row["CloseDate"] == "2024-01-31"
    assert zipfile.ZipFile(part).testzip() is None


@needs_shared
@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_those_of_a_real_export(name):
    header, _ = real(name)
    columns = tuple(column.strip('"') for column in header.split(","))
    assert HEADERS[name] == tuple(column for column in columns if not column.endswith("__c"))
    assert columns[len(HEADERS[name]) :] == tuple(c for c in columns if c.endswith("__c"))


@needs_shared
@pytest.mark.parametrize("name", ["Account", "Campaign", "Lead", "Opportunity", "OpportunityHistory"])
def test_a_real_row_is_written_back_as_it_was(name):
    """Typed by hand and written again, every row of the real files has the same text."""
    from dealtrace_engine.synthetic.crm.salesforce_shapes.data_export import _form

    _, rows = real(name)
    text = pl.DataFrame(rows).with_columns(pl.all().replace("", None).replace(NULL_ID, None))
    dates = [c for c in text.columns if re.search(r"Date|Modstamp", c)]
    days = [c for c in dates if (text[c].str.ends_with(" 00:00:00")).all() and text[c].count()]
    numbers = [c for c in text.columns if re.fullmatch(r"Amount|Probability|ExpectedRevenue|\w*Cost", c)]
    booleans = [c for c in text.columns if re.fullmatch(r"Is[A-Z]\w+|DoNotCall|HasOptedOut\w+", c)]
    typed = text.with_columns(
        pl.col(dates).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC"),
        pl.col(numbers).cast(pl.Float64),
        pl.col(booleans) == "1",
    ).with_columns(pl.col(days).dt.date())
    again = exported_rows(name, typed, _form(True)).to_dicts()
    standard = [c for c in HEADERS[name] if c != "CreatedDateForInsert"]
    assert [{c: row[c] for c in standard} for row in again] == [{c: row[c] for c in standard} for row in rows]


@needs_shared
@pytest.mark.parametrize("name", ["Account", "Campaign", "Lead", "Opportunity", "OpportunityHistory"])
def test_missing_ids_are_written_as_in_the_real_files(name):
    _, rows = real(name)
    for column in HEADERS[name]:
        if column.endswith("Id") and {row[column] for row in rows} <= {"", NULL_ID}:
            assert {row[column] for row in rows} == {missing_id(name, column)}, column
