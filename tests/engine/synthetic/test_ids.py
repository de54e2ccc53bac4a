"""Ids carry the checksum of real ones."""

from __future__ import annotations

import doctest

import numpy as np

from dealtrace_engine.synthetic import ids
from dealtrace_engine.synthetic.lead_to_cash import lead_to_cash


def checksum(id15: str) -> str:
    fives = (id15[at : at + 5] for at in (0, 5, 10))
    bits = (sum(2**place for place, letter in enumerate(five) if "A" <= letter <= "Z") for five in fives)
    return "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[n] for n in bits)


def test_checksum_is_the_published_one():
    assert checksum("0064600000J5S5T") == "AAV"


def test_every_id_has_its_checksum_and_is_unique():
    case_ids = set(lead_to_cash(1_500, seed=9).events["case_id"].to_pylist())
    assert len(case_ids) == 1_500 + 1_499 // 6
    for case_id in case_ids:
        assert case_id == case_id[:15] + checksum(case_id[:15])


def test_counts_are_written_in_base_62():
    count = np.array([0, 61, 62, 62**9 - 1])
    written = ids.record_ids((b"0065g0", b"00Q5g0"), np.array([0, 1, 0, 1]), count).to_pylist()
    assert [text[:15] for text in written] == [
        "0065g0000000000", "00Q5g000000000z", "0065g0000000010", "00Q5g0zzzzzzzzz",
    ]  # fmt: skip


def test_examples():
    assert doctest.testmod(ids).failed == 0
