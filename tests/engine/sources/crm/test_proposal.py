"""A proposed mapping is valid, changes nothing, and says what is in the export and what is open."""

from __future__ import annotations

import tomllib

import pytest

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.mapping_file import read_mapping
from dealtrace_engine.sources.crm.own_fields import guess, is_own
from dealtrace_engine.sources.crm.proposal import proposed_mapping
from dealtrace_engine.sources.crm.read import log_of, raw_export
from fake_crm import FRAMES, SYSTEM, write_folder

OWN = {"Loss_Reason__c": ["", "Price \"high\"\n2", ""], "Color__c": ["red", "red", "blue"],
       "Empty__c": ["", "", ""], "Colour": ["x", "y", "z"]}  # fmt: skip


@pytest.fixture
def export(tmp_path):
    return write_folder(tmp_path / "export", {**FRAMES, "Deal": {**FRAMES["Deal"], **OWN}})


def read(export, mapping):
    raw, _ = raw_export(SYSTEM, export, None, mapping)
    return log_of(SYSTEM, raw, mapping)


def test_it_is_valid_and_changes_nothing(export, tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(proposed_mapping(SYSTEM, export), "utf-8")
    mapping = read_mapping(path, SYSTEM)
    assert read(export, mapping).fingerprint == read(export, CrmMapping()).fingerprint
    assert mapping.fields == {}
    assert mapping.status("quote.accepted") == CrmMapping().status("quote.accepted")


def test_it_says_what_occurs_and_what_it_is_taken_for(export):
    text = proposed_mapping(SYSTEM, export)
    assert "# Quote.Status:\n" in text
    assert "#   'Accepted' 1: quote.accepted (as 'accepted')\n" in text
    assert "#   'Weird' 1: nothing is known of it\n" in text
    assert (
        "#   'Needs Review' 1: quote.draft (as 'needs review'), quote.in_approval (as 'needs review'); "
        in text
    )
    assert '# order = ["Prospecting", "Closed Won"]\n' in text
    now = "nothing came to it after 2024-01-02, before this one began"
    assert f'# "Lead In" = "Prospecting"  # ? {now}\n# Demo is no stage any more; ' in text
    assert '# opportunity_won = ["F1", "F2"]  # F1 1; F2 1, not documented by the vendor\n' in text
    assert "# No contract_signed: needs Signature.On, which the export has not.\n" in text
    assert "# Nothing is known of these values of Prospect.Status: 'odd' 2.\n" in text


def test_ends_can_be_switched_on(export, tmp_path):
    text = proposed_mapping(SYSTEM, export)
    start = text.index("# [ends.K13]")
    own, rest = text[start:].split("\n\n", 1)
    path = tmp_path / "m.toml"
    path.write_text(text[:start] + own.replace("# ", "", 1).replace("\n# ", "\n") + "\n\n" + rest, "utf-8")
    assert read_mapping(path, SYSTEM).ends == {
        "K13": {"from": ["quote_accepted"], "to": ["order_activated", "order_submitted"], "last": False}
    }


def test_own_fields_are_listed_with_a_guess_and_can_be_switched_on(export, tmp_path):
    text = proposed_mapping(SYSTEM, export)
    start = text.index("[fields]")
    fields = text[start : text.index("\n\n", start)].splitlines()[2:]
    assert fields == [
        '# "Deal.Color__c" = "color"  # 100.0% of 3, 2 values, most often \'red\'',
        '# "Deal.Loss_Reason__c" = "loss_reason"  # 33.3% of 3, 1 values, '
        "most often 'Price \"high\"\\n2'; loss_reason?",
    ]
    path = tmp_path / "m.toml"
    path.write_text(text.replace('# "Deal.', '"Deal.'), "utf-8")
    found = read(export, read_mapping(path, SYSTEM))
    assert set(found.attribute("color").values.to_pylist()) == {"red", "blue"}
    assert 'Price "high"\n2' in found.attribute("loss_reason").values.to_pylist()


def test_every_ladder_can_be_switched_on(export, tmp_path):
    path = tmp_path / "m.toml"
    lines = proposed_mapping(SYSTEM, export).splitlines()
    on = [line.removeprefix("# ") if '= ["F' in line else line for line in lines]
    path.write_text("\n".join(on), "utf-8")
    mapping = read_mapping(path, SYSTEM)
    assert mapping.ladders["opportunity_won"] == ["F1", "F2"]
    assert read(export, mapping).fingerprint == read(export, CrmMapping()).fingerprint


def test_an_export_without_events(tmp_path):
    text = proposed_mapping(SYSTEM, write_folder(tmp_path / "e", {"Deal": {"Id": ["x"], "Name": ["y"]}}))
    assert "# No event could be derived" in text
    assert tomllib.loads(text)["system"] == "salesforce"
    with pytest.raises(ParseError):
        proposed_mapping(SYSTEM, tmp_path / "none")


@pytest.mark.parametrize(
    ("column", "system", "own"),
    [("Region__c", "salesforce", True), ("ns__Field__c", "salesforce", True), ("Region", "salesforce", False),
     ("contoso_region", "dynamics", True), ("address1_city", "dynamics", False),
     ("msdyn_x", "dynamics", False), ("totalamount", "dynamics", False)],
)  # fmt: skip
def test_which_columns_are_own(column, system, own):
    assert is_own(column, system) == own


def test_guesses_by_name_only():
    names = ("Lost_Reason__c", "new_Vertriebsgebiet", "Zahlungsbedingungen__c", "X__c")
    assert [guess(name) for name in names] == [
        "loss_reason", "region", "payment_terms", None,
    ]  # fmt: skip
