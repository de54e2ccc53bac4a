"""One row per record however many pieces there are; copies; versions; texts that were seen before."""

import random
from collections.abc import Iterator

import polars as pl
import pytest

from dealtrace_engine.quality import Finding
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.dynamics import settle
from dealtrace_engine.sources.dynamics.counting import counted, noted
from dealtrace_engine.sources.dynamics.deferred import Seen, SeenIds, deferred
from dealtrace_engine.sources.dynamics.settle import Part, Table

NAMES = {"opportunityid": "Id", "name": "n", "versionnumber": "v", "modifiedon": "m"}


def table(pieces, name="opportunity", columns=NAMES):
    def rows(asked: list[str]) -> Iterator[pl.DataFrame]:
        yield from (pl.DataFrame(piece, schema=[*columns.values(), "gone"], orient="row") for piece in pieces)

    return Table(name, [Part(name, columns, rows, deleted="gone")], CrmMapping(), [])


@pytest.mark.parametrize("seed", range(20))
def test_the_newest_row_counts_whatever_the_pieces(monkeypatch, seed):
    """Against a dictionary that is filled in the order of the versions."""
    monkeypatch.setattr(settle, "HELD_ROWS", 5)
    dice = random.Random(seed)
    versions = random.Random(seed + 100).sample(range(1000), 60)
    rows = [
        (dice.choice(["a", "{A}", "b", "{D}", "d"]), str(i), str(v), "", dice.choice(["", "", "", "True"]))
        for i, v in enumerate(versions)
    ]  # fmt: skip
    newest = {}
    for row in sorted(rows, key=lambda row: int(row[2])):
        newest[row[0].lower().strip("{}")] = row
    wanted = {(row[1], row[2]) for row in newest.values() if row[4] != "True"}
    cuts = sorted(dice.sample(range(60), 9))
    pieces = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
    found = table([piece for piece in pieces if piece])
    assert set(found.current().select("name", "versionnumber").collect().rows()) == wanted
    gone = sum(row[4] == "True" for row in newest.values())
    counts = {finding.reason.rpartition(", ")[2]: finding.count for finding in found.findings}
    assert counts.get("marked as deleted", 0) == gone
    assert counts["older than another of the record"] == 60 - len(newest)


def test_reading_twice_counts_once():
    found = table([[("a", "x", "1", "", "")], [("", "y", "1", "", ""), ("a", "z", "2", "", "")]])
    for _ in range(2):
        assert found.current().collect()["name"].to_list() == ["z"]
    assert [(f.reason, f.count, f.first_rows) for f in found.findings] == [
        ("opportunity: rows left out, without an id", 1, [2]),
        ("opportunity: rows left out, older than another of the record", 1, []),
    ]


def test_versions_have_only_the_columns_whose_changes_count():
    found = table(
        [[("a", "x", "1", "2024-01-01", "")], [("A", "y", "1", "2024-01-01", ""), ("a", "z", "2", "", "")]]
    )
    versions = found.versions().collect()
    assert versions.columns == ["opportunityid", "modifiedon", "versionnumber", "version_at"]
    assert versions["version_at"].to_list() == ["2024-01-01", None]


def test_parts_of_other_types_meet_as_text():
    columns = {"leadid": "id", "statecode": "s"}
    number = pl.DataFrame({"id": ["a"], "s": [1]})
    first = Part("lead", columns, lambda _: iter([number]), types={"statecode": pl.Int64()})
    second = Part("lead", {"leadid": "id"}, lambda _: iter([pl.DataFrame({"id": ["b"]})]))
    third = Part("lead", columns, lambda _: iter([pl.DataFrame({"id": ["c"], "s": ["2"]})]))
    alone = Table("lead", [first, second], CrmMapping(), [])
    assert alone.current().collect().rows() == [("a", 1), ("b", None)]
    mixed = Table("lead", [first, second, third], CrmMapping(), [])
    assert mixed.current().collect().rows() == [("a", "1"), ("b", None), ("c", "2")]


def test_a_table_is_read_only_as_far_as_it_is_asked_for():
    read, asked = [], []

    def pieces(columns: list[str]) -> Iterator[pl.DataFrame]:
        asked.append(columns)
        for i in range(5):
            read.append(i)
            yield pl.DataFrame({"a": [i, i], "b": ["x", "y"]})

    frame = deferred({"a": pl.Int64(), "b": pl.String()}, pieces)
    assert read == []
    assert frame.filter(pl.col("b") == "y").select("a").collect()["a"].to_list() == [0, 1, 2, 3, 4]
    assert frame.select("b", "a").head(3).collect().rows() == [("x", 0), ("y", 0), ("x", 1)]
    assert frame.select("b").collect().height == 10
    assert asked[-1] == ["b"]


@pytest.mark.parametrize("seed", range(5))
def test_seen_is_what_a_set_says(seed):
    dice, known, seen = random.Random(seed), set(), Seen()
    for _ in range(20):
        texts = [dice.choice([None, "", *"abcdefghijklmnopqrstuvwxyz"]) for _ in range(dice.randrange(6))]
        wanted = []
        for text in texts:
            wanted.append(text is not None and text not in known)
            known.add(text)
        assert seen.first(pl.Series(texts, dtype=pl.String)).to_list() == wanted


def test_findings_grow_within_a_reading_and_are_replaced_by_the_next():
    kept = [Finding("other", 1)]
    for _ in range(2):
        found = []
        counted(found, "odd", 2, [1, 2])
        counted(found, "odd", 3, [7])
        counted(found, "never", 0)
        noted(kept, found)
    assert [(f.reason, f.count, f.first_rows) for f in kept] == [("other", 1, []), ("odd", 5, [1, 2, 7])]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("others", [0, 0.3, 1])
def test_ids_are_seen_however_they_are_written(seed, others):
    dice, known, seen = random.Random(seed), set(), SeenIds()
    guids = [f"{dice.getrandbits(32):08x}-0000-4000-8000-{n:012x}" for n in range(8)]
    forms = [str, str.upper, lambda guid: f"{{{guid}}}", lambda guid: f" {guid} "]
    for _ in range(12):
        ids = [
            None if dice.random() < 0.1
            else f"other {dice.randrange(4)}" if dice.random() < others
            else dice.choice(forms if seed % 2 else forms[:1])(dice.choice(guids))
            for _ in range(dice.randrange(9))
        ]  # fmt: skip
        wanted = []
        for text in ids:
            same = None if text is None else text.lower().strip("{} ")
            wanted.append(same is not None and same not in known)
            known.add(same)
        assert seen.first(pl.Series(ids, dtype=pl.String)).to_list() == wanted
