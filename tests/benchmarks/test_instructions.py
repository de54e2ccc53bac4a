"""Kernels on fixed inputs, what has grown, and, where valgrind is installed, that counts repeat."""

import shutil

import numpy as np
import pytest

from benchmarks import instruction_kernels
from benchmarks.instructions import check, grown, markdown, per_event, total

RECORDED = {"a": 10.0, "b": 4.0}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    path = tmp_path_factory.mktemp("inputs") / "inputs.npz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instruction_kernels, "OPPORTUNITIES", 200)
        instruction_kernels.make_inputs(path)
    return path


@pytest.mark.parametrize("kernel", instruction_kernels.KERNELS)
def test_a_kernel_can_be_repeated(kernel, inputs):
    with np.load(inputs) as stored:
        loaded = dict(stored)
    once, events = instruction_kernels.KERNELS[kernel](loaded)
    once()
    once()
    assert 0 < events <= len(loaded["codes"])


def test_inputs_are_fixed(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(instruction_kernels, "OPPORTUNITIES", 200)
    instruction_kernels.make_inputs(tmp_path / "again.npz")
    with np.load(inputs) as first, np.load(tmp_path / "again.npz") as second:
        assert set(first.files) == set(second.files)
        assert all(np.array_equal(first[name], second[name]) for name in first.files)


def test_growth_above_three_percent_is_reported(capsys):
    assert grown(RECORDED, {"a": 10.3, "b": 4.0, "new": 1.0}) == []
    (change,) = grown(RECORDED, {"a": 10.31, "b": 3.0})
    assert str(change) == "a: 10.00 -> 10.31 instructions an event (+3.1 %)"
    assert check({"a": 10.31}, RECORDED) == 1
    assert "grew: a: 10.00 -> 10.31" in capsys.readouterr().out
    assert check({"a": 10.0}, RECORDED) == 0


def test_totals_and_table():
    assert total("events: Ir\nfn=(1)\n1 5\ntotals: 77\n") == 77
    with pytest.raises(SystemExit):
        total("nothing")
    assert "| `a` | 10.00 |" in markdown(RECORDED, "somewhere")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
def test_counts_repeat(inputs):
    first, second = (per_event(inputs, "groups.first_to_last") for _ in range(2))
    assert first > 0
    assert second == pytest.approx(first, rel=0.5)  # tiny inputs: what the interpreter does weighs in
