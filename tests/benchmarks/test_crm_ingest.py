"""The script of CRM exports from end to end on tiny organisations, and its figures."""

from argparse import Namespace

import pytest

from benchmarks import crm_ingest, crm_organisations
from benchmarks.crm_ingest import Row, analyses_table, planned, rows_table, wanted
from benchmarks.crm_organisations import Export, Told, cached, check_room

SMALL = Export("a", "salesforce", "bulk", 50, 1_000_000, None, 1)
LARGE = Export("b", "salesforce", "bulk", 500, 10_000_000, None, 1)


def test_figures_by_hand():
    rows = [
        Row(SMALL, 900, [0.1, 0.3, 0.2], [3e8, 1e8, 2e8], [50.0] * 3),
        Row(LARGE, 9000, [3.0], [1e9], [1234.0]),
    ]
    assert (rows[0].ns, rows[0].bytes_per_row) == (pytest.approx(200), 200)
    text = rows_table(rows)
    assert "| Salesforce, bulk | 1,000,000 | 900 | 200 ms | 200 |  | 50 MB | 200 |" in text
    assert "| Salesforce, bulk | 10,000,000 | 9,000 | 3.00 s | 300 | 1.50x | 1,234 MB | 100 |" in text
    assert "| Salesforce, bulk | 50 | 1,000,000 | 2.00 s | 300 MB |" in analyses_table([(SMALL, 2.0, 300.0)])


def test_shapes_and_sizes_that_are_asked_for():
    asked = Namespace(rows="5e5,5e6", shapes="bulk,dynamics:replica", big="bulk=5e7")
    assert wanted(asked) == [
        ("salesforce", "bulk", [5e5, 5e6, 5e7]), ("dynamics", "replica", [5e5, 5e6]),
    ]  # fmt: skip
    every = {(system, shape) for system, shape, _ in wanted(Namespace(rows="1", shapes="all", big=""))}
    assert {("salesforce", "replica"), ("dynamics", "replica"), ("dynamics", "synapse-append")} <= every
    with pytest.raises(SystemExit, match="there are no shapes fax"):
        wanted(Namespace(rows="1", shapes="fax", big=""))


def test_organisations_that_do_not_fit_are_told_before_the_first_is_made(tmp_path, monkeypatch):
    asked = Namespace(rows="5e6", shapes="data-export", big="data-export=5e7", deals=2e5)
    plan = planned(asked)
    assert plan == [
        ("salesforce", "data-export", 263_158), ("salesforce", "data-export", 2_631_579),
        ("salesforce", "data-export", 200_000), ("dynamics", "web-api", 200_000),
    ]  # fmt: skip
    check_room([("salesforce", "bulk", 20)], tmp_path, discard=False)
    monkeypatch.setattr(crm_organisations.shutil, "disk_usage", lambda _: Namespace(free=30e9))
    check_room(plan, tmp_path, discard=True)
    with pytest.raises(SystemExit, match=r"there are 30\.0 GB of room .*: --discard"):
        check_room(plan, tmp_path, discard=False)
    made = cached(tmp_path, "salesforce", "data-export", 2_631_579)
    made.mkdir()
    (made / "made.json").write_text("{}")
    check_room(plan, tmp_path, discard=False)


def test_a_long_making_tells_every_tenth(capsys):
    told = Told("organisation")
    assert all(told(done, 40) for done in range(1, 41))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 10
    assert said[4].startswith("  organisation: 20 of 40 after ")


@pytest.mark.slow
def test_all_of_it(tmp_path, monkeypatch, capsys):
    words = ["--rows", "400,800", "--shapes", "data-export,synapse-append", "--deals", "20", "--runs", "1"]
    monkeypatch.setattr("sys.argv", ["crm_ingest", *words, "--cache", str(tmp_path), "--discard"])
    readme = tmp_path / "benchmarks"
    monkeypatch.setattr(crm_ingest, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", [*crm_ingest.sys.argv, "--write"])
    readme.mkdir()
    (readme / "README.md").write_text("before\n<!-- crm table -->\nold\n<!-- /crm table -->\nafter\n")
    crm_ingest.main()
    said = capsys.readouterr().out
    for part in ("| Salesforce, data-export |", "| Dynamics, synapse-append |", "| Dynamics, web-api | 20 |"):
        assert part in said
    written = (readme / "README.md").read_text()
    assert written.startswith("before\n")
    assert said.strip() in written
    assert "old" not in written
