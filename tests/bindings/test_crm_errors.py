"""Damaged exports of Salesforce on the command line: counted and told, or an error in one line."""

from __future__ import annotations

import zipfile

import pytest

from crm_damage import change, copied, cut, into_days, rows, said, tenth, without_column, write_rows, written
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.system import SYSTEM


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return written(tmp_path_factory.mktemp("salesforce") / "made", "salesforce")


@pytest.fixture
def export(whole, tmp_path):
    return copied(whole, tmp_path / "export")


def removed(name):
    return lambda folder: (folder / f"{name}.csv").unlink()


def emptied(*names):
    return lambda folder: [(folder / f"{name}.csv").write_bytes(b"") for name in names]


def lacks(name, column):
    return lambda folder: without_column(folder / f"{name}.csv", column)


def changed(name, column, new, **options):
    return lambda folder: change(folder / f"{name}.csv", column, new, **options)


def delimited(name, delimiter):
    return lambda folder: write_rows(
        folder / f"{name}.csv", rows(folder / f"{name}.csv"), delimiter=delimiter
    )


def two_delimiters(folder):
    header, *lines = (folder / "OpportunityHistory.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "OpportunityHistory.csv").write_text(header.replace('","', '";"') + "".join(lines), "utf-8")


def two_charsets(folder):
    change(folder / "Account.csv", "Name", lambda _, name: f"Müller {name}", encoding="cp1252")
    change(folder / "Lead.csv", "Company", lambda _, name: f"Müller {name}", encoding="utf-16")


def headers_only(folder):
    for file in folder.glob("*.csv"):
        write_rows(file, rows(file)[:1])


def ragged(folder):
    header, first, second, *others = rows(folder / "Opportunity.csv")
    write_rows(folder / "Opportunity.csv", [header, first[:4], [*second, "x"], *others])


def merged_in_a_cycle(name):
    def damage(folder):
        header, first, second, *others = rows(folder / f"{name}.csv")
        key, master = header.index("Id"), header.index("MasterRecordId")
        first[master], second[master] = second[key], first[key]
        write_rows(folder / f"{name}.csv", [header, first, second, *others])

    return damage


def renamed(old):
    return "Deal done" if old == "Closed Won" else old


def wrong_character(old):
    return old[:8] + ("y" if old[8] == "Z" else "Z") + old[9:]


TOLD = {
    "a table is missing": (removed("OpportunityHistory"), ["missing OpportunityHistory"]),
    "a column is missing": (lacks("Opportunity", "StageName"), ["missing Opportunity.StageName"]),
    "a column of history is missing": (
        lacks("OpportunityHistory", "CreatedDate"),
        ["missing OpportunityHistory.CreatedDate"],
    ),
    "two days": (into_days, ["note Opportunity: 2 generations", "older or equal rows set aside"]),
    "another delimiter": (delimited("Opportunity", ";"), ["note Opportunity.csv: delimiter semicolon"]),
    "charsets": (two_charsets, ["Account.csv: encoding cp1252", "Lead.csv: encoding utf-16"]),
    "a row is too short": (ragged, ["2 x Opportunity.csv: wrong number of fields; left out"]),
    "ids as numbers": (
        changed("OpportunityHistory", "OpportunityId", tenth(lambda _: "6.00E+17")),
        ["x OpportunityHistory.OpportunityId is a number that a spreadsheet made of an id; left out"],
    ),
    "ids without case": (
        changed("OpportunityHistory", "OpportunityId", tenth(str.upper)),
        ["x OpportunityHistory.OpportunityId had lost its case"],
    ),
    "a wrong character": (
        changed("OpportunityHistory", "OpportunityId", tenth(wrong_character)),
        ["x OpportunityHistory.OpportunityId is damaged", "orphans opportunity"],
    ),
    "history of unknown records": (
        changed("OpportunityHistory", "OpportunityId", tenth(lambda _: "0065g0000099ZZZ")),
        ["orphans opportunity"],
    ),
    "leads merged in a cycle": (merged_in_a_cycle("Lead"), ["1 x Lead.MasterRecordId goes round in a cycle"]),
    "accounts merged in a cycle": (
        merged_in_a_cycle("Account"),
        ["1 x Account.MasterRecordId goes round in a cycle"],
    ),
    "a stage is renamed": (
        changed("OpportunityHistory", "StageName", lambda n, old: renamed(old) if n % 2 else old),
        ["x Opportunity.StageName is not what OpportunityHistory says last"],
    ),
    "changes in the future": (
        changed("OpportunityHistory", "CreatedDate", tenth(lambda old: f"2090{old[4:]}")),
        ["x OpportunityHistory.CreatedDate lies in the future"],
    ),
    "records of the future": (
        changed("Opportunity", "CreatedDate", tenth(lambda old: f"2090{old[4:]}")),
        ["4 x Opportunity.CreatedDate lies in the future"],
    ),
    "a year that cannot be": (
        changed("OpportunityHistory", "CreatedDate", tenth(lambda old: f"2990{old[4:]}")),
        ["x OpportunityHistory.CreatedDate is no instant"],
    ),
    "no instants": (
        changed("OpportunityHistory", "CreatedDate", tenth(lambda _: "soon")),
        ["x OpportunityHistory.CreatedDate is no instant"],
    ),
    "an empty file": (emptied("Quote"), ["Quote.csv (empty)", "missing Quote"]),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_is_damaged_is_counted_and_told(export, capsys, case):
    damage, parts = TOLD[case]
    damage(export)
    answer = said(capsys, export)
    assert answer.code == 0, answer.error
    for part in parts:
        assert part in answer.told


def test_what_is_whole_tells_none_of_it(whole, capsys):
    answer = said(capsys, whole)
    assert answer.code == 0
    for part in (part for _, parts in TOLD.values() for part in parts if not part.startswith("orphans")):
        assert part not in answer.told
    assert "after the export 0" in answer.told


REFUSED = {
    "no opportunities": (removed("Opportunity"), ["no event could be derived", "missing: Opportunity"]),
    "no ids": (lacks("Opportunity", "Id"), ["Opportunity.csv, column 'Id'", "export it with the ids"]),
    "two delimiters": (two_delimiters, ["OpportunityHistory.csv, row 1", "cut at each semicolon"]),
    "cut off": (lambda folder: cut(folder / "Opportunity.csv", 0.503), ["Opportunity.csv"]),
    "all ids are numbers": (
        changed("Opportunity", "Id", lambda *_: "6.00E+17"),
        ["x Opportunity.Id is a number that a spreadsheet made of an id"],
    ),
    "the main file is empty": (emptied("Opportunity"), ["missing: Opportunity", "Opportunity.csv (empty)"]),
    "headers only": (headers_only, ["no event could be derived", "Opportunity (0)"]),
    "all files are empty": (
        lambda folder: emptied(*(file.stem for file in folder.glob("*.csv")))(folder),
        ["is neither an export of"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_line(export, capsys, case):
    damage, parts = REFUSED[case]
    damage(export)
    answer = said(capsys, export)
    assert answer.code == 1
    for part in parts:
        assert part in answer.error


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--crm", "dynamics"], "no event could be derived"),
        (["--crm", "dynamics", "--shape", "web-api"], "holds no file that ends in .json"),
        (["--shape", "fax"], "no exports of the shape 'fax'"),
        (["--shape", "data-export-zip"], "holds no object of Salesforce that is of use"),
        (["--shape", "rest-json"], "holds no file that ends in .json"),
        (["--shape", "report"], "the report has no ids of its records"),
    ],
)
def test_what_is_given_does_not_fit(whole, capsys, options, part):
    answer = said(capsys, whole, *options)
    assert answer.code == 1
    assert part in answer.error


def test_a_mapping_that_says_what_nobody_knows(whole, tmp_path, capsys):
    mapping = tmp_path / "m.toml"
    mapping.write_text("[cases]\nleadin = 1\n")
    assert "m.toml, line 2: 'leadin'" in said(capsys, whole, "--mapping", str(mapping)).error
    mapping.write_text('[cases]\nleading = "opp')
    assert "m.toml" in said(capsys, whole, "--mapping", str(mapping)).error


def zipped(export):
    """Put an export into two parts, and return the second."""
    files = sorted(export.glob("*.csv"))
    middle = len(files) // 2
    for number, part in enumerate((files[:middle], files[middle:]), 1):
        path = export / f"WE_00D5g000004ABCDEA0_{number}.ZIP"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written_to:
            for file in part:
                written_to.write(file, file.name)
    for file in files:
        file.unlink()
    return path


def test_zip_files_whole_cut_off_and_damaged(export, capsys):
    part = zipped(export)
    assert "shape data-export-zip" in said(capsys, export).told
    content = part.read_bytes()
    with zipfile.ZipFile(part) as inside:
        member = max(inside.infolist(), key=lambda info: info.compress_size)
    middle = member.header_offset + 100 + member.compress_size // 2
    part.write_bytes(content[:middle] + bytes(99) + content[middle + 99 :])
    assert part.name in said(capsys, export).error
    part.write_bytes(content[:-2000])
    assert "is no whole ZIP file" in said(capsys, export).error


def test_the_bodies_of_tasks_are_never_kept(export, capsys):
    plain = task_table(export)
    change(export / "Task.csv", "Description", lambda *_: 'long, "quoted"\n' * 20_000)
    assert (export / "Task.csv").stat().st_size > 10e6
    assert said(capsys, export).code == 0
    assert task_table(export).equals(plain)
    assert "Description" not in plain.columns
    assert plain.estimated_size() < 1e6


def task_table(export):
    mapping = CrmMapping()
    raw = SYSTEM.read_raw(export, "data-export", mapping)
    assert "Description" not in raw.frames["Task"].collect_schema()
    return CrmTables(raw, SYSTEM.catalog).table("Task").collect()
