"""A damaged file of dealtrace's own ends in an error; a kernel never gets numbers that leave its arrays."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

import logs
from dealtrace_engine.analyses.follows import directly_follows
from dealtrace_engine.analyses.throughput import throughput_times
from dealtrace_engine.analyses.variants import variants
from dealtrace_engine.errors import DealtraceError, ParseError
from dealtrace_engine.sources.memory import from_arrow
from dealtrace_engine.store import open_log, verify

LOG = from_arrow(logs.table(logs.random_log(2, events=3000, cases=200)))


@pytest.fixture
def saved(tmp_path):
    LOG.save(tmp_path / "log.dealtrace")
    return tmp_path / "log.dealtrace"


def overwrite(path, column, at, content):
    """Write `content` at a byte of a column, found by its bytes."""
    data = bytearray(path.read_bytes())
    start = data.find(column.tobytes())
    assert start > 0
    data[start + at : start + at + len(content)] = content
    path.write_bytes(data)


@pytest.mark.parametrize("value", [2**40, -1, 0, 2**63 - 1])
def test_case_offsets_that_leave_the_events(saved, value):
    overwrite(saved, LOG.case_offsets, 80, value.to_bytes(8, "little", signed=True))
    with pytest.raises(ParseError, match="is damaged: the cases are out of order"):
        open_log(saved)


def test_codes_without_an_activity(saved):
    overwrite(saved, LOG.activity_codes, 50, b"\xff")
    with pytest.raises(ParseError, match="no such activity"):
        open_log(saved)


def test_other_damage_is_found_by_verify(saved):
    overwrite(saved, LOG.timestamps, 800, b"\x01\x02\x03\x04")
    assert verify(open_log(saved))


@pytest.mark.parametrize("seed", range(12))
def test_scribbled_over_it_never_crashes(saved, seed):
    data, rng = bytearray(saved.read_bytes()), np.random.default_rng(seed)
    at = int(rng.integers(0, len(data) - 64))
    data[at : at + 64] = rng.bytes(64)
    saved.write_bytes(data)
    with suppress(DealtraceError):
        log = open_log(saved)
        directly_follows(log)
        assert len(variants(log)) <= log.cases
        assert len(throughput_times(log).microseconds) == log.cases
