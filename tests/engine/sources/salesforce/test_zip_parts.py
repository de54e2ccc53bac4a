import zipfile

import pytest

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.salesforce import zip_parts
from dealtrace_engine.sources.salesforce.recognise import recognise
from salesforce_exports import ACCOUNT, HEADER, OPPORTUNITY, OTHER, ROWS, quoted, read, rows

NAME = "WE_00D46000000abcdEAA_{}.ZIP"


def packed(folder, number, **members):
    path = folder / NAME.format(number)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/") if "/" in name else f"{name}.csv", text)
    return path


def test_parts_with_an_object_split_over_them(tmp_path):
    packed(
        tmp_path,
        1,
        Opportunity=quoted(HEADER, ROWS[0]),
        Account=quoted(("Id", "Name"), (ACCOUNT, "Ä")).encode("cp1252"),
    )
    packed(tmp_path, 2, Opportunity=quoted(HEADER, ROWS[1]), Attachment="x")
    assert recognise(tmp_path) == "data-export-zip"
    raw = read(tmp_path, "data-export-zip")
    assert rows(raw, "Opportunity", "Id") == [(OPPORTUNITY,), (OTHER,)]
    assert rows(raw, "Account", "Name") == [("Ä",)]
    assert any("2 ZIP files" in note for note in raw.notes)


def test_parts_of_two_organisations_are_not_one_export(tmp_path):
    packed(tmp_path, 1, Opportunity=quoted(HEADER, ROWS[0]))
    packed(tmp_path, 2, Opportunity=quoted(HEADER, ROWS[1])).rename(tmp_path / "WE_00D460000009999EAA_1.ZIP")
    with pytest.raises(ParseError, match="parts of 2 organisations"):
        read(tmp_path, "data-export-zip")


def test_a_part_that_is_cut_off(tmp_path):
    path = packed(tmp_path, 1, Opportunity=quoted(HEADER, *ROWS * 50))
    path.write_bytes(path.read_bytes()[:-40])
    assert recognise(tmp_path) == "data-export-zip"
    with pytest.raises(ParseError, match=r"no whole ZIP file.*cut off or damaged; download it again"):
        read(tmp_path, "data-export-zip")


def test_a_member_that_is_damaged(tmp_path):
    path = packed(
        tmp_path,
        1,
        Opportunity=quoted(HEADER, *((f"{i:015}AAA", "x", str(i * 7919), "0", "") for i in range(999))),
    )
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ParseError, match=r"Opportunity\.csv in it is damaged.*download it again"):
        read(tmp_path, "data-export-zip")


def test_paths_of_members_are_never_written_to(tmp_path):
    path = tmp_path / "e" / NAME.format(1)
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../Opportunity.csv", quoted(HEADER, *ROWS))
        archive.writestr("__MACOSX/._Opportunity.csv", "junk")
        archive.writestr("/etc/Lead.csv", quoted(("Id", "Status"), ("00Q4600000LbVvfEAF", "Open")))
    raw = read(path.parent, "data-export-zip")
    assert set(raw.frames) == {"Opportunity", "Lead"}
    assert [file.name for file in tmp_path.rglob("*.csv")] == []


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_parts, "LARGE", 1 << 20)
    packed(tmp_path, 1, Opportunity="0" * (1 << 22))
    with pytest.raises(ParseError, match="would unpack to 4,194,304 bytes"):
        read(tmp_path, "data-export-zip")


def test_a_bomb_that_lies_about_its_size_stops_at_it(tmp_path):
    """The reader of ZIPs stops at the size that the directory states, and the checksum does not fit then."""
    path = packed(tmp_path, 1, Opportunity=quoted(HEADER, *ROWS * 2000))
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.infolist()[0].file_size
    path.write_bytes(data.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(ParseError, match=r"damaged|never closed"):
        read(tmp_path, "data-export-zip")


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.csv", "x,y\n1,2\n")
    assert recognise(tmp_path) is None


def test_a_zip_under_another_name(tmp_path):
    packed(tmp_path, 1, Opportunity=quoted(HEADER, *ROWS)).rename(tmp_path / "export.zip")
    assert recognise(tmp_path) == recognise(tmp_path / "export.zip") == "data-export-zip"
    assert len(rows(read(tmp_path / "export.zip", "data-export-zip"), "Opportunity", "Id")) == 2
