"""Workbooks: hidden columns, names in the language of the user, serial dates on the user's clock."""

import re
import zipfile
from datetime import datetime
from xml.etree import ElementTree

import polars as pl
import pytest

import shape_tables as made
from dealtrace_engine.synthetic.crm.dynamics_shapes import excel
from dealtrace_engine.synthetic.crm.dynamics_shapes.writing import write_dynamics

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def book(folder, name, **options):
    """Cells of the first sheet by place, its XML, and that of the workbook; read without a library."""
    write_dynamics(made.dynamics(), folder, "excel", **options)
    (path,) = folder.glob(f"{name} *.xlsx")
    with zipfile.ZipFile(path) as packed:
        sheet = ElementTree.fromstring(packed.read("xl/worksheets/sheet1.xml"))
        workbook = packed.read("xl/workbook.xml").decode()
        files = packed.namelist()
        shared = [
            "".join(part.itertext()) for part in ElementTree.fromstring(packed.read("xl/sharedStrings.xml"))
        ] if "xl/sharedStrings.xml" in files else []  # fmt: skip
    cells = {}
    for cell in sheet.iter(f"{SHEET}c"):
        text = "".join(cell.itertext())
        cells[cell.get("r")] = shared[int(text)] if cell.get("t") == "s" else text
    return cells, sheet, workbook


def row_of(cells, number):
    header = {
        re.sub(r"\d", "", place): text for place, text in cells.items() if re.fullmatch("[A-Z]+1", place)
    }
    return {text: cells.get(f"{column}{number}", "") for column, text in header.items()}


def serial(moment: datetime) -> float:
    return (moment - datetime(1899, 12, 30)).total_seconds() / 86_400


def test_hidden_columns_lead_back(tmp_path):
    cells, sheet, workbook = book(tmp_path, "Opportunities")
    one = row_of(cells, 2)
    assert list(one)[:3] == [
        "(Do Not Modify) Opportunity", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On",
    ]  # fmt: skip
    assert one["(Do Not Modify) Opportunity"] == made.DEAL
    assert one["(Do Not Modify) Row Checksum"] != row_of(cells, 3)["(Do Not Modify) Row Checksum"]
    (first,) = [c for c in sheet.iter(f"{SHEET}col") if c.get("min") == "1"]
    assert (first.get("hidden"), first.get("max")) == ("1", "3")
    assert re.search(r'name="hiddenSheet"[^>]*state="veryHidden"', workbook)


def test_values_as_the_user_sees_them(tmp_path):
    cells, _, _ = book(tmp_path, "Opportunities", zone="Europe/Berlin")
    one, done = row_of(cells, 2), row_of(cells, 3)
    assert (one["Owner"], one["Potential Customer"], done["Potential Customer"]) == (
        "Zoë Müller",
        "N/A",
        "Ada Ito",
    )
    assert (one["Status"], one["Status Reason"], one["Sales Stage"]) == ("Open", "In Progress", "Propose")
    assert done["Topic"] == made.TEXT
    assert float(one["Created On"]) == pytest.approx(serial(datetime(2023, 1, 5, 18, 7, 21)), abs=1e-6)
    assert float(one["Est. Close Date"]) == serial(datetime(2024, 5, 20))
    assert float(one["Est. Revenue"]) == 20000
    assert made.REP not in cells.values()  # related rows appear by their name only


@pytest.mark.parametrize(
    ("language", "name", "column"),
    [
        ("de", "Verkaufschancen", "(Nicht ändern) Verkaufschance"),
        ("fr", "Opportunités", "(Ne pas modifier) Opportunité"),
    ],
)
def test_names_in_the_language_of_the_user(language, name, column, tmp_path):
    cells, _, _ = book(tmp_path, name, language=language)
    assert row_of(cells, 2)[column] == made.DEAL
    assert ("Statusgrund" if language == "de" else "Raison du statut") in cells.values()


def test_no_more_rows_than_dynamics_exports(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "MOST_ROWS", 2)
    many = pl.DataFrame({"accountid": ["a", "b", "c"], "name": ["A", "B", "C"]})
    write_dynamics({"account": many}, tmp_path, "excel")
    (path,) = tmp_path.iterdir()
    with zipfile.ZipFile(path) as packed:
        sheet = ElementTree.fromstring(packed.read("xl/worksheets/sheet1.xml"))
    assert len(list(sheet.iter(f"{SHEET}row"))) == 3


def test_an_excel_library_reads_it_too(tmp_path):
    pytest.importorskip("fastexcel")
    write_dynamics(made.dynamics(), tmp_path, "excel", zone="Europe/Berlin")
    (path,) = tmp_path.glob("Opportunities *.xlsx")
    frame = pl.read_excel(path)
    assert frame["(Do Not Modify) Opportunity"].to_list() == [made.DEAL, made.DONE]
    assert frame["Topic"].to_list() == ["One", made.TEXT]
    assert frame["Created On"][0] == datetime(2023, 1, 5, 18, 7, 21)
    assert frame["Est. Revenue"].to_list() == [20000.0, 99.5]
    assert frame["Est. Close Date"][1] is None


def test_text_that_xml_cannot_hold(tmp_path):
    odd = pl.DataFrame({"accountid": ["a"], "name": ["<b> & \x00\x1fc]]>"]})
    write_dynamics({"account": odd}, tmp_path, "excel")
    (path,) = tmp_path.iterdir()
    with zipfile.ZipFile(path) as packed:
        assert packed.testzip() is None
        sheet = ElementTree.fromstring(packed.read("xl/worksheets/sheet1.xml"))
    assert "<b> & c]]>" in ["".join(cell.itertext()) for cell in sheet.iter(f"{SHEET}c")]
