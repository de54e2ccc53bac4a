"""Values of records of JSON: random records and damage, against the standard library."""

import json
import random

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from dealtrace_ext.json_fields import Wanted, fields, views
from naive.json_fields import fields as plain

KEYS = [
    "Id",
    "a",
    "Owner",
    "attributes",
    "name@OData.Community.Display.V1.FormattedValue",
    "ü",
    'q"',
    "日本語",
    "",
]
TEXTS = [
    "",
    "x",
    "twelve bytes",
    "thirteen byte",
    'quo"te',
    "back\\slash",
    "\n\t\r\b\f/",
    "é",
    "日本",
    "😀",
    "\x7f",
]
NUMBERS = ["0", "-1", "1.50", "1e5", "-2.5E-3", "100000000000000000000"]


def read(lines, paths):
    """Return the values of each line in the order of the paths, None for a line that is no record."""
    text = np.frombuffer(bytearray(lines), np.uint8)
    count = lines.count(b"\n") + 1
    found, broken = np.empty((len(paths), count, 2), np.int64), np.zeros(count, np.uint8)
    wanted = Wanted([tuple(key.encode() for key in path) for path in paths])
    count = fields(text, wanted, found, broken)
    columns = [texts(text, found[i, :count].copy()) for i in range(len(paths))]
    return [None if broken[row] else [column[row] for column in columns] for row in range(count)]


def texts(text, places):
    lengths = places[:, 1]
    long = np.empty(lengths[lengths > 12].sum(), np.uint8)
    made, valid = np.empty(4 * len(places), np.int32), np.empty((len(places) + 7) // 8, np.uint8)
    nulls = views(text, places, long, made, valid)
    buffers = [pa.py_buffer(valid), pa.py_buffer(made), pa.py_buffer(long)]
    array = pa.Array.from_buffers(pa.string_view(), len(places), buffers)
    array.validate(full=True)
    assert array.null_count == nulls
    return pl.Series(array).to_list()


def raw(dice, depth):
    """Return a random JSON value as text."""
    kind = dice.randrange(6 if depth else 4)
    space = dice.choice(["", " ", "\t "])
    if kind < 2:
        return json.dumps(dice.choice(TEXTS), ensure_ascii=dice.random() < 0.5)
    if kind == 2:
        return dice.choice(NUMBERS)
    if kind == 3:
        return dice.choice(["true", "false", "null"])
    if kind == 4:
        return f"[{space}" + f",{space}".join(raw(dice, depth - 1) for _ in range(dice.randrange(3))) + "]"
    keys = dice.sample(KEYS, dice.randrange(len(KEYS)))
    members = (
        f"{json.dumps(key, ensure_ascii=dice.random() < 0.5)}{space}:{space}{raw(dice, depth - 1)}{space}"
        for key in keys
    )
    return f"{{{space}" + f",{space}".join(members) + "}"


def record(dice):
    while not (text := raw(dice, 4)).startswith("{"):
        pass
    return text


def random_paths(dice):
    found = {tuple(dice.sample(KEYS, dice.choice([1, 1, 1, 2, 3]))) for _ in range(dice.randint(1, 9))}
    return sorted(found)


def equal(value, expected):
    if isinstance(expected, (list, dict)):
        return json.loads(value, parse_float=str, parse_int=str) == expected
    return value == expected


@pytest.mark.parametrize("seed", range(60))
def test_random_records(seed):
    dice = random.Random(seed)
    lines, paths = [record(dice) for _ in range(dice.randint(1, 40))], random_paths(dice)
    # An array or object that is wanted whole and in part is given in part.
    inner = {path[:i] for path in paths for i in range(1, len(path))}
    rows = read("\n".join(lines).encode(), paths)
    assert len(rows) == len(lines)
    for line, row in zip(lines, rows, strict=True):
        for path, value, expected in zip(paths, row, plain(line, paths), strict=True):
            if path in inner and isinstance(expected, dict):
                assert value is None
            else:
                assert equal(value, expected), (line, path)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_records_are_broken_or_right(seed):
    dice = random.Random(seed)
    lines = []
    for _ in range(50):
        line = bytearray(record(dice).encode("ascii", "backslashreplace"))
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(line))
            line[at : at + dice.randrange(2)] = dice.choice(
                [b"", b'"', b"\\", b"{", b"}", b",", b":", b"1", b"x"]
            )
        lines.append(bytes(line))
    rows = read(b"\n".join(lines), [("Id",), ("a",)])
    assert len(rows) == len(lines)
    for line, row in zip(lines, rows, strict=True):
        try:
            expected = plain(line, [("Id",), ("a",)])
        except (ValueError, RecursionError):
            continue
        assert row is not None, line
        assert all(map(equal, row, expected)) or line.count(b'"Id"') + line.count(b'"a"') > 2, line


@pytest.mark.parametrize(
    "line",
    [
        "", "[]", "1", "{", '{"a"}', '{"a":}', '{"a":1,}', '{"a":1}}', '{"a" 1}', '{"a":1 "b":2}', '{a:1}',
        '{"a":tru}', '{"a":NaN}', '{"a":1-2}', '{"a":.5}', '{"a":1.}', '{"a":1e}', '{"a":-}', '{"a":+1}',
        '{"a":"\\x"}', '{"a":"x}',
        '{"a":"\\u12"}', '{"a":"\\u12g4"}', '{"a":[1}', '{"a":{"b":1}', '{"a":"\\"}', '{"\\x":1}',
    ],
)  # fmt: skip
def test_what_is_no_record_is_broken_and_its_neighbours_are_not(line):
    assert read(f'{{"a":1}}\n{line}\n{{"a":2}}'.encode(), [("a",)]) == [["1"], None, ["2"]]


def test_escapes():
    text = r'{"a":"\u00fc\ud83d\ude00\ud83d x\ude00\/\"\\","\u0061b":"k","c":"\ud83d\u0041"}'
    assert read(text.encode(), [("a",), ("ab",), ("c",)]) == [['ü😀� x�/"\\', "k", "�A"]]


def test_the_last_of_a_key_counts():
    assert read(b'{"a":1,"a":"two"}\n{"a":1,"a":null}', [("a",)]) == [["two"], [None]]


def test_empty_text_and_no_columns():
    assert read(b"{}", []) == [[]]
    assert (
        fields(np.empty(0, np.uint8), Wanted([]), np.empty((0, 0, 2), np.int64), np.empty(0, np.uint8)) == 0
    )


def test_objects_inside_one_another_to_any_depth():
    deep = "{" + '"a":{' * 500 + "}" * 501
    assert read(deep.encode(), [("a",)]) == [[deep[5:-1]]]
    wanted = ("a",) * 300
    assert read(deep.encode(), [wanted]) == [None]  # more than anybody asks for
    assert read(b"{" + b'"a":[' * 5000 + b"]" * 5000 + b"}", [("b",)]) == [[None]]


def test_room_is_checked():
    text, wanted = np.frombuffer(bytearray(b'{"a":"a text that is long"}\n{}'), np.uint8), Wanted([(b"a",)])
    for found in (
        np.empty((1, 1, 2), np.int64),
        np.empty((2, 2, 2), np.int64),
        np.empty((1, 0, 2), np.int64),
    ):
        with pytest.raises(ValueError, match="no room"):
            fields(text, wanted, found, np.zeros(2, np.uint8))
    with pytest.raises(ValueError, match="no room"):
        fields(text, wanted, np.empty((1, 2, 2), np.int64), np.zeros(1, np.uint8))
    places = np.array([[6, 19]], np.int64)
    made, valid = np.empty(4, np.int32), np.empty(1, np.uint8)
    with pytest.raises(ValueError, match="more room"):
        views(text, places, np.empty(18, np.uint8), made, valid)
    with pytest.raises(ValueError, match="outside"):
        views(text, np.array([[20, 19]], np.int64), np.empty(19, np.uint8), made, valid)
    with pytest.raises(ValueError, match="need 4 numbers"):
        views(text, places, np.empty(19, np.uint8), made[:3], valid)
