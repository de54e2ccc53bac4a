"""`dealtrace warmup` says what it compiled, where that is, and how long it took."""

from __future__ import annotations

import json
from types import SimpleNamespace

from dealtrace.cli import main
from dealtrace_engine.warmup import kernels, warm_up


def test_it_tells(capsys):
    assert main(["warmup"]) == 0
    out = capsys.readouterr().out
    assert str(len(kernels())) in out
    assert "were in the cache" in out
    assert "selection.mark_cases" in out.replace("\n", "")


def test_as_json(capsys):
    done = warm_up()
    assert main(["warmup", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == str(done.folder)
    assert (told["compiled"], told["loaded"]) == (0, done.loaded + done.compiled)
    assert told["kernels"] == list(kernels())
    assert told["seconds"] > 0


def test_quiet(capsys):
    assert main(["warmup", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_where_nothing_can_be_kept(monkeypatch, capsys):
    nowhere = SimpleNamespace(kept=None, cache_path=None)
    monkeypatch.setattr("dealtrace_engine._jit.cache_of", lambda kernel: nowhere)
    assert main(["warmup"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("dealtrace: error: no folder for compiled kernels can be written")
    assert err.count("\n") == 1
