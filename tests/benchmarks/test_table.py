"""Tables between markers, with ratios to ours."""

from benchmarks.measure import Run, timed_process
from benchmarks.table import END, START, Cell, differences, markdown, put

CELLS = {
    ("everything", "ours"): Cell([Run(1.0, 100), Run(3.0, 300), Run(2.0, 200)]),
    ("everything", "polars"): Cell([Run(5.0, 400)], differs="variants: 1 of 2 differ"),
    ("everything", "pm4py"): Cell([Run(60.0, 0, "over 60 s")]),
}


def test_medians_ratios_and_failures():
    text = markdown(CELLS, ["everything"], ["ours", "polars", "duckdb", "pm4py"])
    row = text.splitlines()[-1]
    assert "2.00 s, 200 MB" in row
    assert "5.00 s (2.5x), 400 MB **differs**" in row
    assert "over 60 s" in row
    assert differences(CELLS) == ["- polars, from the file: all but replay: variants: 1 of 2 differ"]


def test_put_replaces_only_what_is_between_the_markers(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("# title\n")
    put(path, "first")
    assert path.read_text() == f"# title\n\n{START}\nfirst\n{END}\n"
    path.write_text(path.read_text() + "notes\n")
    put(path, "second")
    assert path.read_text() == f"# title\n\n{START}\nsecond\n{END}\nnotes\n"


def test_each_table_has_its_own_markers(tmp_path):
    path, own = tmp_path / "README.md", ("<!-- own -->", "<!-- /own -->")
    put(path, "one")
    put(path, "two", own)
    put(path, "three", own)
    assert path.read_text() == f"{START}\none\n{END}\n\n{own[0]}\nthree\n{own[1]}\n"


def test_a_run_over_its_limit_is_ended():
    process = timed_process(["sleep", "30"], 0.2)
    assert process.failure == "over 0.2 s"
    assert process.seconds < 5


def test_a_failed_run_says_its_last_line():
    process = timed_process(["sh", "-c", "echo why >&2; exit 3"], 10)
    assert process.failure == "failed: why"
    assert timed_process(["echo", "fine"], 10).output == "fine\n"


def test_replay_is_set_beside_the_whole_job_without():
    cells = {
        ("everything", "ours"): Cell([Run(2.0, 100)]),
        ("everything_replay", "ours"): Cell([Run(2.2, 100)]),
        ("everything_replay", "pm4py"): Cell([Run(9.0, 100)]),
    }
    row = markdown(cells, ["everything", "everything_replay"], ["ours", "pm4py"]).splitlines()[-1]
    assert "2.20 s, 100 MB, 1.10x all but replay |" in row
    assert row.endswith("9.00 s (4.1x), 100 MB |")


def test_kept_stands_in_the_title():
    cells = {("sequence", "ours"): Cell([Run(1.0, 1)], kept="25.0 % of cases")}
    assert markdown(cells, ["sequence"], ["ours"]).splitlines()[-1].count("Issued, 25.0 % of cases |") == 1
