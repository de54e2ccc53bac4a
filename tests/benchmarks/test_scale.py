"""The scale script from end to end on small logs, and its figures."""

from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.scale import Size, generator_line, in_turn, sizes_table, threads_table


def test_figures_by_hand():
    small = Size(Path("a"), 1_000_000, [0.1, 0.3, 0.2], [100.0, 100.0, 100.0])
    large = Size(Path("b"), 10_000_000, [1.0, 1.0, 1.0], [200.0, 200.0, 200.0])
    assert small.ns_per_event == pytest.approx(200)
    assert large.bytes_per_event(100) == pytest.approx(100 * 2**20 / 1e7)
    text = sizes_table([small, large], 50)
    assert "| 1,000,000 | 200 ms | 200.0 | 100 MB | 52.4 |" in text
    assert "ns an event at 10,000,000 events, against those at 1,000,000: 0.50x." in text
    assert "against" not in sizes_table([small], 50)


def test_threads_take_turns():
    asked = []
    assert in_turn(asked.append, 2, (1, 2)).keys() == {1, 2}
    assert asked == [1, 2] * 3
    text = threads_table({"reading": {1: 3.0, 2: 2.0}}, 5)
    assert "| 5 events, warm | 1 thread | 2 threads | speed-up |" in text
    assert "| reading | 3.00 s | 2.00 s | 1.50x |" in text


def test_the_generator_in_a_line():
    process = scale.timed_process(["true"], 10)
    assert "wrote 1,000 events" in generator_line(1000, process, 5000)
    assert "5.0 bytes an event" in generator_line(1000, process, 5000)


@pytest.mark.slow
def test_all_of_it(tmp_path, monkeypatch, capsys):
    words = ["--sizes", "2e3,4e3", "--threads-size", "2e3", "--generate", "3e3", "--runs", "1"]
    monkeypatch.setattr("sys.argv", ["scale", *words, "--cache", str(tmp_path), "--no-write"])
    scale.main()
    text = capsys.readouterr().out
    assert text.count("events, against") == 1
    assert "| analyses |" in text
    assert "The generator wrote" in text
    assert str(tmp_path) not in text
