"""Changes in JSON against the standard library: plain, spaced, broken, cut at every byte."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealtrace_ext.audit_changes import copy_values, find_changes
from dealtrace_ext.columns import Views
from naive import audit_changes as naive

NAMES = sorted(["state", "status", "ownerid", "amount"], key=len)
VALUES = st.one_of(st.none(), st.sampled_from(["", "1", "systemuser,ab-1", "Müller", "日本", "]}", "null"]))
CHANGES = st.fixed_dictionaries(
    {"logicalName": st.sampled_from(["state", "STATE", "ownerId", "other", "stat", "", "x" * 200])},
    optional={"oldValue": VALUES, "newValue": VALUES},
)
BLANKS = st.sampled_from(["", " ", "\n\t"])
ODD = st.sampled_from([
    "", "x", "{}", "[]", "null", '{"changedAttributes":null}', '{"changedAttributes":{}}',
    '{"changedAttributes":[]}', '{"changedAttributes":[{}]}', '{"changedAttributes":[]} x',
    '{"changedAttributes":[{"logicalName":"state","oldValue":1}]}', '{"other":[],"changedAttributes":[]}',
    '{"changedAttributes":[],"other":1}', '{"changedAttributes":[{"logicalName":null,"newValue":"1"}]}',
    '{"changedAttributes":[{"logicalName":"state","newValue":"a","more":"b"}]}',
    '{"changedAttributes":[{"logicalName":"state","newValue":"a",}]}', '{"changedAttributes":[,]}',
    '{"changedAttributes":[{"newValue":"a","logicalName":"state"},{"logicalName":"x"}]}',
    '{"changedAttributes":[{"logicalName":"state","newValue":nulls}]}',
])  # fmt: skip


def found_in(texts, names=NAMES, room=64):
    """Changes by row, None for a row that is not understood."""
    column, wanted = pa.array(texts, pa.string_view()), [name.encode() for name in names]
    found, other = np.full((room, 6), -7), np.full(len(texts), 9, np.uint8)
    count = find_changes(Views(column), wanted, found, other)
    if count > room:
        return found_in(texts, names, count)
    assert set(other.tolist()) <= {0, 1}
    found, rows = found[:count], [None if mark else [] for mark in other]
    old, new = values(column, found, 2), values(column, found, 4)
    for (row, name, *_), was, became in zip(found.tolist(), old, new, strict=True):
        rows[row].append((names[name], was, became))
    return rows


def values(column, found, at):
    offsets = np.empty(len(found) + 1, np.int64)
    out = np.empty(copy_values(Views(column), found, at, offsets, np.empty(0, np.uint8)), np.uint8)
    assert copy_values(Views(column), found, at, offsets, out) == len(out)
    parts = [out[begin:end].tobytes().decode() for begin, end in pairwise(offsets)]
    return [None if begin < 0 else part for begin, part in zip(found[:, at], parts, strict=True)]


def written(changes, blank):
    text = json.dumps({"changedAttributes": changes}, ensure_ascii=False)
    return (
        text.replace('": ', f'"{blank}:{blank}')
        .replace(", ", f"{blank},{blank}")
        .replace("}]", f"}}{blank}]")
    )


@given(
    st.lists(st.one_of(st.none(), ODD, st.builds(written, st.lists(CHANGES, max_size=4), BLANKS)), max_size=8)
)
def test_find_changes(texts):
    assert found_in(texts, room=1) == [naive.find_changes(text, NAMES) for text in texts]


@given(st.text(alphabet='{}[]",:nul \\ab', max_size=40))
def test_any_text_is_read_or_marked(text):
    (row,) = found_in(["{" + text])
    expected = naive.find_changes("{" + text, NAMES)
    assert row is None or row == expected


def test_cut_at_every_byte_it_is_not_understood():
    whole = written([{"logicalName": "state", "oldValue": "ä", "newValue": None}] * 2, "")
    for end in range(len(whole)):
        assert found_in([whole[:end]]) == [None]
    assert found_in([whole]) == [[("state", "ä", None)] * 2]


def test_a_backslash_is_left_to_others_only_where_it_is_wanted():
    text = '{"changedAttributes":[{"logicalName":"%s","oldValue":"a\\"b","newValue":"\\\\"}]}'
    assert found_in([text % "state", text % "note", text % "st\\u0061te"]) == [None, [], None]


def test_slices_and_nulls():
    text = written([{"logicalName": "amount", "oldValue": "1", "newValue": "2"}], "")
    column = pa.array([text, None, text], pa.string_view()).slice(1)
    found, other = np.zeros((4, 6), np.int64), np.zeros(2, np.uint8)
    assert find_changes(Views(column), [b"amount"], found, other) == 1
    assert found[0, :2].tolist() == [1, 0]
    assert values(column, found[:1], 4) == ["2"]


def test_what_does_not_fit_is_refused():
    column = pa.array(["x"], pa.string_view())
    found, other = np.zeros((1, 6), np.int64), np.zeros(1, np.uint8)
    for wrong in ((found, np.zeros(2, np.uint8)), (found[:, :5].copy(), other)):
        with pytest.raises(ValueError, match="figures each"):
            find_changes(Views(column), [b"a"], *wrong)
    for names in ([b"bb", b"a"], [b"x" * 129], [b"a"] * 1025):
        with pytest.raises(ValueError, match="names of up to"):
            find_changes(Views(column), names, found, other)
    with pytest.raises(ValueError, match="one offset more"):
        copy_values(Views(column), found, 2, np.zeros(1, np.int64), other)
    with pytest.raises(ValueError, match="one offset more"):
        copy_values(Views(column), found, 3, np.zeros(2, np.int64), other)
    found[0, 2:4] = 0, 5
    with pytest.raises(IndexError, match="leaves the texts"):
        copy_values(Views(column), found, 2, np.zeros(2, np.int64), other)
