"""Workbooks: hidden columns in any language, display names, labels, serial dates, links by name, limits."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.crm.ids import with_texts
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.dynamics import excel
from dealtrace_engine.sources.dynamics.excel_names import codes_of, columns_named, table_named
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.recognise import recognise
from dealtrace_engine.sources.dynamics.shapes import read_raw

pytest.importorskip("fastexcel")
xlsxwriter = pytest.importorskip("xlsxwriter")

A, B, C, D = (f"0000000{i}-aaaa-4bbb-8ccc-00000000000{i}" for i in (1, 2, 3, 4))
WHEN = datetime(2024, 5, 1, 13, 45)
ZONE = "Europe/Berlin"


def book(file, table, columns, rows, mark="(Do Not Modify)", hidden=True):
    """Write a workbook as Dynamics does; instants are shown as days only."""
    with xlsxwriter.Workbook(str(file)) as workbook:
        sheet, day = workbook.add_worksheet(table), workbook.add_format({"num_format": "m/d/yyyy"})
        first = [f"{mark} {name}" for name in (table, "Row Checksum", "Modified On")] if hidden else []
        sheet.write_row(0, 0, [*first, *columns])
        for i, row in enumerate(rows, 1):
            for j, value in enumerate(row):
                if isinstance(value, datetime | date):
                    sheet.write_datetime(i, j, value, day)
                else:
                    sheet.write(i, j, value)
        workbook.add_worksheet("hiddenSheet").hide()


def tables(folder, **mapping):
    return CrmTables(read_raw(folder, "excel", CrmMapping(zone=ZONE, **mapping)), CATALOG)


def rows(tables, name, *columns):
    return with_texts(tables.table(name).select(columns).collect(), tables.ids).rows()


def deals(folder, *more, name="deals.xlsx"):
    columns = [
        "Topic",
        "Potential Customer",
        "Est. Revenue",
        "Status",
        "Status Reason",
        "Created On",
        "Owner",
    ]
    written = [
        ["{" + A.upper() + "}", "x==", WHEN, "Big deal", "Contoso", 1000.5, "Won", "Won", WHEN, "Alice"],
        [B, "y==", WHEN, "Other", "Fabrikam", 7, "Lost", "Out-Sold", WHEN + timedelta(days=1), "Bob"],
        *more,
    ]
    book(folder / name, "Opportunity", columns, written)


def test_display_names_labels_and_local_times(tmp_path):
    deals(tmp_path)
    assert recognise(tmp_path) == "excel"
    found = tables(tmp_path)
    columns = (
        "opportunityid",
        "name",
        "customeridname",
        "estimatedvalue",
        "statecode",
        "statuscode",
        "owneridname",
    )
    assert rows(found, "opportunity", *columns) == [
        (A, "Big deal", "Contoso", 1000.5, 1.0, 3.0, "Alice"),
        (B, "Other", "Fabrikam", 7.0, 2.0, 5.0, "Bob"),
    ]
    ((created, label), _) = rows(found, "opportunity", "createdon", "statecodename")
    assert created == WHEN.replace(tzinfo=ZoneInfo(ZONE))
    assert label == "Won"
    assert found.raw.precision == "minute"
    assert any("Europe/Berlin" in note for note in found.raw.notes)


GERMAN = ("(Nicht ändern)", "Verkaufschance", ["Thema", "Status", "Statusgrund", "Erstellt am"], "Gewonnen")
FRENCH = ("(Ne pas modifier)", "Opportunité", ["Rubrique", "Statut", "Raison du statut", "Créé le"], "Gagnée")
ITALIAN = (
    "(Non modificare)",
    "Opportunità",
    ["Argomento", "Stato", "Motivo stato", "Data creazione"],
    "Vinta",
)
JAPANESE = ("(変更しないでください)", "営業案件", ["トピック", "状態", "ステータスの理由", "作成日"], "受注")


@pytest.mark.parametrize(("mark", "table", "columns", "won"), [GERMAN, FRENCH, ITALIAN, JAPANESE])
def test_other_languages(tmp_path, mark, table, columns, won):
    book(tmp_path / "x.xlsx", table, columns, [[A, "x", WHEN, "Deal", won, won, WHEN]], mark=mark)
    assert recognise(tmp_path / "x.xlsx") == "excel"
    found = rows(tables(tmp_path), "opportunity", "opportunityid", "name", "statecode", "statuscode")
    assert found == [(A, "Deal", 1.0, 3.0)]


def test_dates_that_are_bare_numbers_are_serials(tmp_path):
    serial = (WHEN - datetime(1899, 12, 30)) / timedelta(days=1)
    columns = ["Topic", "Created On", "Actual Close Date"]
    book(tmp_path / "x.xlsx", "Opportunity", columns, [[A, "x", WHEN, "Deal", serial, 45413]])
    ((created, closed),) = rows(tables(tmp_path), "opportunity", "createdon", "actualclosedate")
    assert created == WHEN.replace(tzinfo=ZoneInfo(ZONE))
    assert closed == date(2024, 5, 1)


def test_days_without_times_are_said_to_be_days(tmp_path):
    book(
        tmp_path / "x.xlsx",
        "Opportunity",
        ["Topic", "Created On"],
        [[A, "x", WHEN, "D", datetime(2024, 5, 1)]],
    )
    assert tables(tmp_path).raw.precision == "date"


def test_links_go_by_name_and_not_where_several_have_it(tmp_path):
    deals(tmp_path, [C, "z", WHEN, "Other", "Contoso", 1, "Open", "In Progress", WHEN, "Bob"])
    columns = ["Quote ID", "Name", "Opportunity", "Potential Customer"]
    book(
        tmp_path / "quotes.xlsx",
        "Quote",
        columns,
        [
            [D, "x", WHEN, "QUO-1", "Q", " big  DEAL", "Contoso"],
            [C, "x", WHEN, "QUO-2", "Q", "Other", "Nobody"],
            [B, "x", WHEN, "QUO-3", "Q", "Unheard of", None],
        ],
    )
    book(tmp_path / "accounts.xlsx", "Account", ["Account Name"], [[A, "x", WHEN, "Contoso"]])
    found = tables(tmp_path)
    links = ("quoteid", "opportunityid", "opportunityidname", "customerid", "customerid_entitytype")
    assert rows(found, "quote", *links) == [
        (D, A, " big  DEAL", A, "account"),
        (C, None, "Other", None, None),
        (B, None, "Unheard of", None, None),
    ]
    assert ("quote.opportunityid: not linked, several records have that name", 1) in [
        (f.reason, f.count) for f in found.raw.findings
    ]


def test_the_same_record_in_two_views_counts_once(tmp_path):
    deals(tmp_path)
    deals(tmp_path, name="more.xlsx")
    assert len(rows(tables(tmp_path), "opportunity", "opportunityid")) == 2


def test_columns_that_are_not_known_are_said_and_can_be_mapped(tmp_path):
    book(tmp_path / "x.xlsx", "Opportunity", ["Topic", "Segment"], [[A, "x", WHEN, "Deal", "Gold"]])
    assert any("not known: Segment" in note for note in tables(tmp_path).raw.notes)
    found = tables(tmp_path, fields={"opportunity.segment": "segment"})
    assert found.raw.frames["opportunity"].collect()["segment"].to_list() == ["Gold"]


def test_the_most_rows_that_are_written_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "MOST_ROWS", 2)
    deals(tmp_path)
    assert any("further ones are missing" in finding.reason for finding in tables(tmp_path).raw.findings)


def test_a_workbook_without_the_hidden_columns_is_known_by_its_name(tmp_path):
    rows_ = [["Deal", "Won", WHEN]]
    book(
        tmp_path / "All Opportunities.xlsx", "Sheet1", ["Topic", "Status", "Created On"], rows_, hidden=False
    )
    found = tables(tmp_path)
    assert rows(found, "opportunity", "name", "statecode") == [("Deal", 1.0)]
    assert any("has no ids" in finding.reason for finding in found.raw.findings)


def test_what_is_no_workbook_or_no_table_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "x.xlsx").write_bytes(b"PK nonsense")
    with pytest.raises(ParseError, match="is no workbook"):
        tables(tmp_path)
    assert recognise(tmp_path) is None
    book(tmp_path / "x.xlsx", "Budget", ["a", "b"], [[1, 2]], hidden=False)
    assert recognise(tmp_path) is None
    with pytest.raises(ParseError, match=r"holds no table of Dynamics.*its table is not known"):
        tables(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "fastexcel", None)
    with pytest.raises(ParseError, match=r"dealtrace\[excel\]"):
        tables(tmp_path)


def test_names_in_the_dictionary_are_those_of_the_catalogue():
    labels = excel_labels()
    assert set(labels["tables"]) <= set(CATALOG)
    for table, columns in labels["columns"].items():
        assert table == "any" or set(columns) <= set(CATALOG[table]), table
    assert table_named("VERKAUFSCHANCE", CrmMapping()) == "opportunity"
    assert codes_of("salesorder", "statecode")["in rechnung gestellt"] == 4
    assert columns_named("invoice", ["Due Date"], CrmMapping()) == {"duedate": "Due Date"}


def excel_labels():
    from dealtrace_engine.sources.dynamics.excel_names import _labels

    return _labels()


def test_labels_without_a_known_code_stay_labels(tmp_path):
    columns = ["Account Name", "Industry", "Status"]
    book(tmp_path / "x.xlsx", "Account", columns, [[A, "x", WHEN, "Contoso", "Retail", "Inactive"]])
    found = tables(tmp_path)
    assert rows(found, "account", "industrycode", "industrycodename", "statecode") == [(None, "Retail", 1.0)]
    assert not found.raw.findings


def test_what_an_activity_is_about_is_first_looked_for_among_opportunities(tmp_path):
    deals(tmp_path)
    book(tmp_path / "orders.xlsx", "Order", ["Name"], [[C, "x", WHEN, "Big deal"]])
    book(
        tmp_path / "calls.xlsx", "Phone Call", ["Subject", "Regarding"], [[D, "x", WHEN, "Call", "Big deal"]]
    )
    book(
        tmp_path / "close.xlsx", "Order Close", ["Subject", "Regarding"], [[D, "x", WHEN, "Done", "Big deal"]]
    )
    found = tables(tmp_path)
    columns = ("regardingobjectid", "regardingobjectid_entitytype")
    assert rows(found, "phonecall", *columns) == [(A, "opportunity")]
    assert rows(found, "orderclose", "regardingobjectid") == [(C,)]
    reasons = [(f.reason, f.count) for f in found.raw.findings if "a name in several tables" in f.reason]
    wanted = "phonecall.regardingobjectid: a name in several tables, taken to be of the first of "
    assert reasons == [(f"{wanted}opportunity, salesorder", 1)]


@pytest.mark.parametrize(
    ("sent", "created", "about"),
    [
        (datetime(2024, 3, 1, 9), datetime(2024, 3, 1, 10), A),
        (datetime(2024, 3, 1, 11), datetime(2024, 3, 1, 10), None),
        (datetime(2024, 3, 1), datetime(2024, 3, 1, 10), None),
        (datetime(2024, 2, 29), datetime(2024, 3, 1, 10), A),
        (datetime(2024, 3, 1), None, None),
        (None, datetime(2024, 3, 1, 10), None),
    ],
)
def test_a_message_may_be_how_a_paper_of_that_name_was_sent_if_that_was_there(tmp_path, sent, created, about):
    deals(tmp_path)
    book(tmp_path / "quotes.xlsx", "Quote", ["Name", "Created On"], [[C, "x", WHEN, "Big deal", created]])
    mail = [D, "x", WHEN, "Offer", "Big deal", sent]
    book(tmp_path / "mails.xlsx", "Email", ["Subject", "Regarding", "Date Sent"], [mail])
    found = tables(tmp_path)
    assert rows(found, "email", "regardingobjectid") == [(about,)]
    told = {f.reason: f.count for f in found.raw.findings if f.reason.startswith("email.regardingobjectid")}
    if about is None:
        assert told == {
            "email.regardingobjectid: not linked, a quote, an order or an invoice has that name too": 1
        }


def test_nothing_is_written_beside_the_report(tmp_path, capfd):
    columns = ["Topic", "Est. Revenue", "Created On"]
    book(tmp_path / "x.xlsx", "Opportunity", columns, [[A, "x", WHEN, "Deal", None, None]])
    assert rows(tables(tmp_path), "opportunity", "name", "createdon") == [("Deal", None)]
    assert capfd.readouterr() == ("", "")


def test_a_closed_quote_is_known_by_its_number_and_revision(tmp_path):
    quotes = [[A, "x", WHEN, "QUO-1", 0, "Q"], [B, "x", WHEN, "QUO-1", 1, "Q"]]
    book(tmp_path / "quotes.xlsx", "Quote", ["Quote ID", "Revision ID", "Name"], quotes)
    closed = [[C, "x", WHEN, "QUO-1", 1, "Q"], [D, "x", WHEN, "QUO-9", 0, "Q"]]
    book(tmp_path / "closed.xlsx", "Quote Close", ["Quote ID", "Revision", "Quote"], closed)
    assert rows(tables(tmp_path), "quoteclose", "activityid", "quoteid") == [(C, B), (D, None)]


def test_a_status_that_two_states_have_is_told_by_the_state(tmp_path):
    written = [[A, "x", WHEN, "Active", "In Progress"], [B, "x", WHEN, "Draft", "In Progress"]]
    book(tmp_path / "x.xlsx", "Quote", ["Status", "Status Reason"], written)
    assert rows(tables(tmp_path), "quote", "statecode", "statuscode") == [(1.0, 2.0), (0.0, 1.0)]


def test_directions_are_words_or_truth_values(tmp_path):
    written = [[A, "x", WHEN, "Outgoing"], [B, "x", WHEN, "Eingehend"], [C, "x", WHEN, "Yes"]]
    book(tmp_path / "x.xlsx", "Phone Call", ["Direction"], written)
    assert rows(tables(tmp_path), "phonecall", "directioncode") == [(True,), (False,), (True,)]
