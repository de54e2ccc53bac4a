"""Bad input and bad luck on the command line: one line on stderr, a code, and nothing half-written."""

import errno
import gzip
import json
import os
import signal
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dealtrace.cli import main
from dealtrace.report import files

CSV = "case,activity,time\n1,a,2024-01-01\n1,b,2024-01-02\n"


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(CSV)
    return str(path)


def failure(capsys, *arguments):
    """Run a command that fails, and return its one line on stderr."""
    assert main([str(argument) for argument in arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dealtrace: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.csv", None, "there is no such file"),
        ("missing.xlsx", None, "there is no such file"),
        ("empty.csv", b"", "the file is empty"),
        ("empty.parquet", b"", "the file is empty"),
        ("header.csv", b"case,activity,time\n", "no rows"),
        ("log.xlsx", b"PK", "is no export of Salesforce or Dynamics that is known by its tables"),
        ("cut.parquet", b"PAR1 and no more", "damaged or cut short"),
        ("cut.csv.gz", gzip.compress(CSV.encode() * 99, mtime=0)[:-9], "cut.csv.gz"),
        ("cut.dealtrace", b"ARROW1", "not a whole file of dealtrace"),
        ("cut.xes", b"<log><trace>", "cut.xes, line 1"),
        ("other.csv", b"x,y,z\n1,2,3\n", "--case"),
        ("twice.csv", b"case,activity,activity,time\n1,a,b,2024-01-01\n", "activity"),
        ("dates.csv", b"case,activity,time\n1,a,soon\n", "soon"),
    ],
)
def test_bad_files(tmp_path, capsys, name, content, said):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for command in ("analyze", "info"):
        assert said in failure(capsys, command, path)


def test_a_missing_column_names_the_nearest(csv, capsys):
    said = failure(capsys, "analyze", csv, "--activity", "activty")
    assert "nearest: 'activity'" in said


def test_hints_speak_of_options(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text("trace id,Case Key,activity,time\n1,1,a,2024-01-01\n")
    said = failure(capsys, "analyze", path)
    assert "--case" in said
    assert "case_id=" not in said


def test_strict(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text(CSV + "2,a,\n")
    assert main(["analyze", str(path), "--quiet"]) == 0
    assert "row 3" in failure(capsys, "analyze", path, "--strict")


def test_options_that_do_not_fit(tmp_path, csv, capsys):
    table = tmp_path / "log.parquet"
    pq.write_table(pa.table({"case": ["1"], "activity": ["a"], "time": ["2024-01-01"]}), table)
    own = tmp_path / "log.dealtrace"
    assert main(["import", csv, "-o", str(own), "--quiet"]) == 0
    assert "--delimiter is for CSV only" in failure(capsys, "analyze", table, "--delimiter", ";")
    assert "--case cannot be changed" in failure(capsys, "analyze", own, "--case", "x")
    assert "--verify is for .dealtrace" in failure(capsys, "info", csv, "--verify")
    assert "is csv, but" in failure(capsys, "analyze", table, csv)
    assert "only one .dealtrace" in failure(capsys, "analyze", own, tmp_path / "second.dealtrace")
    assert "ends in .dealtrace" in failure(capsys, "import", csv, "-o", tmp_path / "log.bin")
    assert "is the input itself" in failure(capsys, "import", own, "-o", own)
    assert "there is no column 'nope'" in failure(capsys, "import", csv, "-o", own, "--columns", "nope")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "there is no such file"), (b"", "empty"), (b"<pnml><net>", "net.pnml")]
)
def test_bad_models(csv, tmp_path, capsys, content, said):
    net = tmp_path / "net.pnml"
    if content is not None:
        net.write_bytes(content)
    assert said in failure(capsys, "analyze", csv, "--net", net, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_parquet(tmp_path, capsys):
    assert "is neither an export of Salesforce or" in failure(capsys, "analyze", tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [[], ["analyse", "x.csv"], ["analyze"], ["analyze", "x.csv", "--threads", "0"], ["import", "x.csv"],
     ["analyze", "x.csv", "--json", "--quiet"], ["demo", "--seed", "-1"], ["demo", "--opportunities", "x"],
     ["analyze", "x.csv", "-o", ""], ["demo", "-o", ""]],
)  # fmt: skip
def test_wrong_usage(arguments, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage:" in err


def snapshot(folder):
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def fail_with(monkeypatch, error):
    def write(*_):
        raise error

    monkeypatch.setitem(files.WRITERS, "cases.parquet", write)


@pytest.mark.parametrize("before", [False, True], ids=["new", "over an older result"])
def test_a_full_disk_leaves_nothing_half_written(csv, tmp_path, capsys, monkeypatch, before):
    out = tmp_path / "out"
    if before:
        assert main(["analyze", csv, "-o", str(out), "--quiet"]) == 0
    was = snapshot(tmp_path)
    fail_with(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert "out: cannot be written: No space left on device" in failure(capsys, "analyze", csv, "-o", out)
    assert snapshot(tmp_path) == was


@pytest.mark.parametrize("before", [False, True], ids=["new", "over an older result"])
@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_signal_leaves_nothing_half_written(csv, tmp_path, capsys, monkeypatch, before, stop, code, said):
    out = tmp_path / "out"
    if before:
        assert main(["analyze", csv, "-o", str(out), "--quiet"]) == 0
    was = snapshot(tmp_path)
    monkeypatch.setitem(files.WRITERS, "cases.parquet", lambda *_: signal.raise_signal(stop))
    given = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has none
    try:
        assert main(["analyze", csv, "-o", str(out)]) == code
    finally:
        signal.signal(signal.SIGINT, given)
    assert capsys.readouterr() == ("", f"dealtrace: {said}\n")
    assert snapshot(tmp_path) == was
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("json_", [[], ["--json"]])
def test_nobody_reads(csv, monkeypatch, json_):
    unread, written = os.pipe()
    os.close(unread)
    with open(written, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(["info", csv, *json_]) == 0


def test_closed_streams(csv, monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main(["info", csv]) == 0
    assert main(["info", csv, "--verify"]) == 1
    sys.stdout.close()
    sys.stderr.close()


def test_the_error_of_whom_nobody_reads(csv, monkeypatch):
    unread, written = os.pipe()
    os.close(unread)
    with open(written, "w") as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        assert main(["info", csv, "--verify"]) == 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), written)  # what it holds is to be flushed


def test_an_older_result_is_replaced(csv, tmp_path):
    out = tmp_path / "out"
    for threads in ("1", "2"):
        assert main(["analyze", csv, "-o", str(out), "--quiet", "--threads", threads]) == 0
    assert json.loads((out / "manifest.json").read_text())["parameters"]["threads"] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "out"]


def test_what_is_not_ours_is_refused(csv, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    assert main(["analyze", csv, "-o", str(out), "--quiet"]) == 0
    (out / "notes.txt").write_text("mine")
    assert "not a result of dealtrace ('notes.txt')" in failure(capsys, "analyze", csv, "-o", out)
    assert (out / "notes.txt").read_text() == "mine"
    file = tmp_path / "file"
    file.write_text("mine")
    assert "is a file, not a folder" in failure(capsys, "analyze", csv, "-o", file)
    assert "file/out: cannot be written" in failure(capsys, "analyze", csv, "-o", file / "out")
    assert "an input lies in the output folder" in failure(capsys, "analyze", csv, "-o", tmp_path)


def test_the_current_folder_is_refused(csv, tmp_path, capsys, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert "current folder" in failure(capsys, "analyze", csv, "-o", ".")


def test_an_unexpected_error_is_one_line_too(csv, capsys, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr("dealtrace.commands.analyze.analyse", broken)
    said = failure(capsys, "analyze", csv)
    assert "unexpected RuntimeError: first second" in said
    assert "DEALTRACE_DEBUG=1" in said
    monkeypatch.setenv("DEALTRACE_DEBUG", "1")
    assert main(["analyze", csv]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_out_of_memory(csv, capsys, monkeypatch):
    def greedy(*_, **__):
        raise MemoryError

    monkeypatch.setattr("dealtrace.commands.analyze.analyse", greedy)
    assert "not enough memory" in failure(capsys, "analyze", csv)


def test_an_unwritable_folder(csv, tmp_path, capsys, monkeypatch):
    def refused(*_args, **_options):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("pathlib.Path.mkdir", refused)
    assert "cannot be written: Permission denied" in failure(capsys, "analyze", csv, "-o", tmp_path / "out")
