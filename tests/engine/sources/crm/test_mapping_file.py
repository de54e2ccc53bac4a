"""A mapping file is read as it is meant, or refused with its line and key; and it comes back as written."""

from __future__ import annotations

import tomllib
from random import Random

import pytest

from dealtrace_engine.errors import MappingError, OutputError, ParseError
from dealtrace_engine.sources.crm.events import SEQUENCE
from dealtrace_engine.sources.crm.mapping import CrmMapping, default_statuses
from dealtrace_engine.sources.crm.mapping_ends import MOVABLE
from dealtrace_engine.sources.crm.mapping_file import (
    mapping_of,
    mapping_text,
    read_mapping,
    write_mapping,
)
from dealtrace_engine.sources.labels import LANGUAGES, activity_ids
from dealtrace_engine.toml_files import key_lines, written
from fake_crm import SYSTEM

FULL = """\
format = 1
system = "salesforce"

[cases]
leading = "quote"
flatten = "last"
every_contact = true
link_by_account = true
migrated_share = 0.2

[time]
zone = "Europe/Berlin"

[activities]
language = "de"
stage = "Phase: <to>"

[stages]
order = ["A", "B"]
[stages.aliases]
"Old A" = "A"

[statuses]
"quote.accepted" = ["Signed*", "Angenommen"]
lead.qualified = ["Hot"]

[ladders]
opportunity_won = ["F2", "F1"]
contract_signed = ["Esign__c"]

[fields]
"Deal.Region__c" = "region"

[tables.Esign__c]
id = "Id"
case = "Deal__c"
contract_signed = "On__c"

[labels]
"Angebot erstellt" = "quote_created"

[ends.K13]
from = "quote_accepted"
to = ["order_activated", "Phase: Bestellt"]
[ends.K16.S]
last = false
"""


def file(tmp_path, text):
    path = tmp_path / "mapping.toml"
    path.write_text(text, "utf-8")
    return path


def test_everything_that_can_be_said(tmp_path):
    assert read_mapping(file(tmp_path, FULL), SYSTEM) == CrmMapping(
        leading="quote", zone="Europe/Berlin", flatten="last", every_contact=True, link_by_account=True,
        migrated_share=0.2, language="de", stage_activity="Phase: <to>", stage_order=("A", "B"),
        stage_aliases={"Old A": "A"},
        statuses={"quote.accepted": ["Signed*", "Angenommen"], "lead.qualified": ["Hot"]},
        ladders={"opportunity_won": ["F2", "F1"], "contract_signed": ["Esign__c"]},
        fields={"Deal.Region__c": "region"},
        objects={"Esign__c": {"id": "Id", "case": "Deal__c", "contract_signed": "On__c"}},
        labels={"Angebot erstellt": "quote_created"},
        ends={
            "K13": {"from": ["quote_accepted"], "to": ["order_activated", "Phase: Bestellt"]},
            "K16.s": {"last": False},
        },
    )  # fmt: skip


def test_nothing_said_means_the_defaults(tmp_path):
    assert read_mapping(file(tmp_path, ""), SYSTEM) == CrmMapping()
    assert mapping_of(None, SYSTEM) == CrmMapping()
    assert mapping_of({"cases": {"flatten": "first"}}, SYSTEM) == CrmMapping(flatten="first")
    assert mapping_of(file(tmp_path, "\ufeffformat = 1"), SYSTEM) == CrmMapping()


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("[cases]", "[case]", 4, r"'case' is not known; nearest: 'cases'"),
        ("flatten =", "flaten =", 6, r"'flaten' in \[cases\] is not known; nearest: 'flatten'"),
        ('"last"', '"frist"', 6, r"'flatten' in \[cases\] is 'frist'; nearest: 'first'"),
        ('"quote"', "7", 5, r"'leading' in \[cases\] is 7, not text"),
        ("every_contact = true", 'every_contact = "yes"', 7, "is 'yes', not true or false"),
        ("0.2", "0", 9, "not above 0 and up to 1"),
        ("0.2", "true", 9, "not above 0 and up to 1"),
        ("Europe/Berlin", "Europe/Berlim", 12, "no such time zone"),
        ('"de"', '"es"', 15, r"'language' in \[activities\] is 'es'"),
        ("Phase: <to>", "Phase", 16, r"does not say <to>, the stage"),
        ('["A", "B"]', '"A"', 19, "not a list of texts"),
        ('["A", "B"]', '["A", 1]', 19, "not a list of texts"),
        ('"Old A" = "A"', '"Old A" = 1', 21, r"'Old A' in \[stages.aliases\] is 1, not text"),
        ("quote.accepted", "quote.acepted", 24, "is no status; nearest: 'quote.accepted'"),
        ("lead.qualified", "lead.qualifed", 25, "is no status; nearest: 'lead.qualified'"),
        ("opportunity_won", "opportunity_one", 28, "is no activity; nearest: 'opportunity_won'"),
        ('"F2"', '"F7"', 28, "names 'F7', which is no rule; rules: F1, F2"),
        ("Deal.Region__c", "Region__c", 32, r"'Region__c' is not of the form Object.Field"),
        ('"region"', '"case_id"', 32, "cannot be called 'case_id'"),
        ('contract_signed = "On__c"', 'contract_singed = "On__c"', 34, "nearest: 'contract_signed'"),
        ('case = "Deal__c"', "", 34, "does not say which column is 'case'"),
        ('"quote_created"', '"quote_made"', 40, "means 'quote_made', which is no activity"),
        ("ends.K13", "ends.K12", 42, r"'K12' in \[ends\] is no time .* nearest: 'K1"),
        ("ends.K13", "ends.K18.w", 42, r"'w' in \[ends.K18\] is no time whose ends can be moved"),
        ("ends.K13", 'ends."k16.s"', 45, r"is not the only one for K16.s"),
        ("[ends.K13]", "[ends]", 43, r"'from' in \[ends\] is no table"),
        ("from =", "form =", 43, r"'form' in \[ends.K13\] is not known; nearest: 'from'"),
        ('"quote_accepted"', '"quote_acepted"', 43, "names 'quote_acepted', .* nearest: 'quote_accepted'"),
        ('"quote_accepted"', "3", 43, r"'from' in \[ends.K13\] is 3, not a list of texts"),
        ('"quote_accepted"', "[]", 43, r"'from' in \[ends.K13\] names no activity"),
        ("last = false", "last = 1", 46, r"'last' in \[ends.K16.S\] is 1, not true or false"),
        ("last = false", "", 45, r"moves nothing; write from"),
        ("format = 1", "format = 2", 1, "is 2, this version reads 1"),
        ('"salesforce"', '"dynamics"', 2, "is 'dynamics', but the export is of salesforce"),
        ('"salesforce"', '"salesfroce"', 2, "nearest: 'salesforce'"),
    ],
)
def test_what_cannot_be_is_told_with_its_line_and_key(tmp_path, old, new, line, what):
    assert old in FULL
    path = file(tmp_path, FULL.replace(old, new, 1))
    with pytest.raises(MappingError, match=what) as error:
        read_mapping(path, SYSTEM)
    assert (error.value.file, error.value.line) == (str(path), line)
    assert "\n" not in str(error.value)


def test_a_value_where_a_table_should_be(tmp_path):
    with pytest.raises(MappingError, match=r"line 2: 'time' is no table; write \[time\]"):
        read_mapping(file(tmp_path, "format = 1\ntime = 3"))


def test_two_fields_of_one_name(tmp_path):
    path = file(tmp_path, FULL.replace("[tables", '"Deal.Area__c" = "region"\n[tables'))
    with pytest.raises(MappingError, match="not the only one called 'region'"):
        read_mapping(path, SYSTEM)


def test_what_is_no_toml_is_told_with_its_line(tmp_path):
    with pytest.raises(ParseError, match="not TOML") as error:
        read_mapping(file(tmp_path, "format = 1\n[cases\nx = 2"))
    assert error.value.line == 2
    with pytest.raises(ParseError, match="cannot be read"):
        read_mapping(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe4\nformat = 1")
    with pytest.raises(ParseError, match="not UTF-8"):
        read_mapping(tmp_path / "latin.toml")


def test_a_mapping_made_in_python_is_held_against_the_rules_too():
    with pytest.raises(MappingError, match="no rule 'F7'"):
        mapping_of(CrmMapping(ladders={"opportunity_won": ["F7"]}), SYSTEM)


def random_text(random):
    return "".join(random.choice("ab \"'\\=[]#.é商\x7f\t") for _ in range(random.randrange(1, 9)))


@pytest.mark.parametrize("seed", range(40))
def test_any_mapping_comes_back_as_it_was_written(tmp_path, seed):
    random = Random(seed)
    mapping = CrmMapping(
        leading=random.choice(["opportunity", "order"]), zone=random.choice(["UTC", "Asia/Tokyo"]),
        flatten=random.choice(["all", "primary"]), every_contact=random.random() < 0.5,
        migrated_share=random.randrange(1, 100) / 100, language=random.choice(LANGUAGES),
        stage_activity=random.choice(["", random_text(random) + "<to>"]),
        stage_order=tuple(random_text(random) for _ in range(random.randrange(3))),
        stage_aliases={random_text(random): random_text(random) for _ in range(random.randrange(3))},
        statuses={key: [random_text(random)] for key in random.sample(list(default_statuses()), 3)},
        ladders={activity: [] for activity in random.sample(SEQUENCE, random.randrange(3))},
        fields={f"O.{random_text(random)}": f"name {n}" for n in range(random.randrange(3))},
        objects={random_text(random): {"id": random_text(random), "case": "c", "case_opened": "At"}},
        labels={random_text(random): random.choice(activity_ids()) for _ in range(random.randrange(3))},
        ends={name: {"to": [f"{random_text(random)}!"], "last": True} for name in random.sample(MOVABLE, 2)},
    )  # fmt: skip
    write_mapping(mapping, tmp_path / "m.toml", "salesforce")
    assert read_mapping(tmp_path / "m.toml", SYSTEM) == mapping


def test_remarks_are_comments(tmp_path):
    text = mapping_text(CrmMapping(), remarks={"": ["made by hand"], "fields": ['"a" = 1', "x"]})
    assert text.startswith("# made by hand\nformat = 1\n")
    assert '\n[fields]\n# "a" = 1\n# x\n' in text
    assert read_mapping(file(tmp_path, text)) == CrmMapping()


def test_a_place_that_cannot_be_written_to(tmp_path):
    with pytest.raises(OutputError):
        write_mapping(CrmMapping(), tmp_path / "none" / "m.toml")


def test_lines_of_keys_in_any_writing():
    text = "\n# [no]\n[ a . \"b]\" ] # x\n 'k 1' = 1\nlong = [\n  'x = 1',\n]\nc.d = 2\n[[e]]\nf=1"
    found = key_lines(text)
    assert found[("a", "b]", "k 1")] == 4
    assert found[("e",)] == 9
    assert found[("e", "f")] == 10


@pytest.mark.parametrize("value", ['q"uote', "back\\slash", "tab\t", "\x7f", "商談 é", "'", "\x00\x1f"])
def test_texts_as_toml_writes_them(value):
    assert tomllib.loads(f"a = {written(value)}")["a"] == value
