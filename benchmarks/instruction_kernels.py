"""The hot kernels of `ext` on fixed inputs, to have their instructions counted by `benchmarks.instructions`.

`make_inputs` writes the inputs, natively; then, under valgrind, `python -m benchmarks.instruction_kernels
INPUTS KERNEL REPEATS` loads what it needs and runs one kernel so many times. What is imported is kept small.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPPORTUNITIES, SEED = 15_000, 7
PATTERN = "Quote Created -> ... -> Quote Revised+ -> Quote/Proposal Issued"
RECORDED = ("pairs.count_neighbours", "pairs.times_between", "pairs.count_groups", "groups.ranked")
UNSET = ("pairs.times_between:7", "groups.ranked:5")
"""Arguments that have no content yet: what is written to."""
MOVES = {"pairs.times_between": 6}
"""An argument that says where to write and moves on, so that every call needs a fresh one."""
PERCENTILES = (50, 90, 95, 99)

Inputs = dict[str, Any]
Once = Callable[[], object]


def make_inputs(path: Path) -> None:
    """Write the columns of a generated log, in the order of the file and as a log."""
    import pyarrow as pa
    import pyarrow.compute as pc

    import dealtrace as dt
    from dealtrace_engine.buffers import one_array
    from dealtrace_engine.traces import sequence_hashes
    from dealtrace_ext.intern import Interner

    events = dt.lead_to_cash(OPPORTUNITIES, seed=SEED).events
    log = dt.from_arrow(events)
    ids = one_array(events["case_id"].cast(pa.large_string()))
    cases = np.empty(len(ids), np.int32)
    Interner().encode(ids, cases)
    stamps = one_array(pc.strftime(events["timestamp"], "%Y-%m-%dT%H:%M:%SZ").cast(pa.large_string()))
    unsorted = {"row_codes": np.empty_like(log.activity_codes), "row_times": np.empty_like(log.timestamps)}
    unsorted["row_codes"][log.rows], unsorted["row_times"][log.rows] = log.activity_codes, log.timestamps
    texts = ids.to_pylist()
    lines = zip(texts, events["activity"].to_pylist(), stamps.to_pylist(), strict=True)
    columns: dict[str, Any] = dict(
        codes=log.activity_codes, times=log.timestamps, offsets=log.case_offsets, rows=log.rows, cases=cases,
        hashes=sequence_hashes(log), activities=np.array(log.activities.to_pylist()), **unsorted,
        ids=np.frombuffer(b"".join(len(t).to_bytes(4, "little") + t.encode() for t in texts), np.uint8),
        stamps=np.frombuffer(b"".join(t.encode() for t in stamps.to_pylist()), np.uint8),
        csv=np.frombuffer("".join(f'{a},"{b}",{c}\n' for a, b, c in lines).encode(), np.uint8),
        **_recorded(log),
    )  # fmt: skip
    np.savez(path, allow_pickle=False, **columns)


def _recorded(log: Any) -> dict[str, NDArray[Any]]:
    """Return what the passes over the pairs are first called with, by letting the analysis call them."""
    from dealtrace_engine.analyses.edges import dense_counts, dense_edges

    found: dict[str, NDArray[Any]] = {}
    whole = {name: getattr(_module(name), name.partition(".")[2]) for name in RECORDED}

    def recording(name: str) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            for place, argument in enumerate(arguments):
                key = f"{name}:{place}"
                if key not in found:
                    found[key] = np.zeros_like(argument) if key in UNSET else np.array(argument)
            whole[name](*arguments)

        return call

    try:
        for name in RECORDED:
            setattr(_module(name), name.partition(".")[2], recording(name))
        counted = dense_counts(log, 1)
        dense_edges(log, PERCENTILES, counted, 1)
        _ = counted.activities
    finally:
        for name in RECORDED:
            setattr(_module(name), name.partition(".")[2], whole[name])
    return found


def _module(name: str) -> Any:
    return import_module(f"dealtrace_ext.{name.partition('.')[0]}")


def _as_recorded(name: str) -> Callable[[Inputs], tuple[Once, int]]:
    def prepare(inputs: Inputs) -> tuple[Once, int]:
        kernel = getattr(_module(name), name.partition(".")[2])
        arguments: list[Any] = []
        while f"{name}:{len(arguments)}" in inputs:
            value = inputs[f"{name}:{len(arguments)}"]
            arguments.append(value if value.ndim else int(value))
        at = 2 if name == "pairs.times_between" else 1
        offsets, first, last = arguments[at : at + 3]
        moves = MOVES.get(name)

        def once() -> None:
            fresh = [value.copy() if place == moves else value for place, value in enumerate(arguments)]
            kernel(*fresh)

        return once, int(offsets[last] - offsets[first])

    return prepare


def _interner(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.intern import Interner
    from dealtrace_ext.pages import text_positions

    positions = np.empty(len(inputs["cases"]), np.int64)
    text_positions(inputs["ids"], 0, positions)
    codes, data = np.empty(len(positions), np.int32), inputs["ids"]
    return lambda: Interner().encode_at(data, positions, codes), len(codes)


def _text_positions(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.pages import text_positions

    positions, data = np.empty(len(inputs["cases"]), np.int64), inputs["ids"]
    return lambda: text_positions(data, 0, positions), len(positions)


def _unpack(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.pages import unpack

    codes = inputs["row_codes"]
    codes = codes[: len(codes) // 8 * 8].astype(np.uint8)
    width = int(codes.max()).bit_length()
    bits = np.unpackbits(codes[:, None], axis=1, bitorder="little")[:, :width]
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    page = np.frombuffer(bytes([width]) + _varint(len(codes) // 8 << 1 | 1) + packed, np.uint8)
    out = np.empty(len(codes), np.uint32)
    return lambda: unpack(page, 0, out), len(codes)


def _varint(value: int) -> bytes:
    parts = []
    while value >= 128:
        parts.append(value % 128 + 128)
        value //= 128
    return bytes([*parts, value])


def _csv_fields(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.csv_fields import split

    text, rows = inputs["csv"].tobytes(), len(inputs["cases"])
    most = len(text) // 3 + 2
    buffers = [
        (np.empty(most, np.int32), np.empty(len(text), np.uint8), np.empty(most // 8 + 1, np.uint8))
        for _ in range(3)
    ]  # fmt: skip
    return lambda: split(text, ord(","), ord('"'), 3, [0, 1, 2], buffers), rows


def _timestamps(inputs: Inputs) -> tuple[Once, int]:
    import pyarrow as pa

    from dealtrace_ext.columns import Text
    from dealtrace_ext.timestamps import parse

    rows = len(inputs["cases"])
    places = np.arange(rows + 1, dtype=np.int64) * (len(inputs["stamps"]) // rows)
    column = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(places), pa.py_buffer(inputs["stamps"]))
    times, nanoseconds = np.empty(rows, np.int64), np.empty(rows, np.uint16)
    zones, status = np.empty(rows, np.int16), np.empty(rows, np.uint8)
    return lambda: parse(Text(column), "ymd", "-", times, nanoseconds, zones, status), rows


def _count_keys(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.scatter import count_keys

    counts = np.zeros(len(inputs["offsets"]) - 1, np.int64)
    return lambda: count_keys(inputs["cases"], counts), len(inputs["cases"])


def _scatter(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.scatter import scatter

    codes, times, rows = (np.empty_like(inputs[name]) for name in ("codes", "times", "rows"))
    columns = (inputs["cases"], inputs["row_codes"], inputs["row_times"])
    starts = inputs["offsets"][:-1]
    return lambda: scatter(*columns, 0, starts.copy(), codes, times, rows), len(codes)


def _sort_within(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.scatter import sort_within

    offsets = inputs["offsets"]
    left_over = np.zeros(len(offsets) - 1, np.uint8)
    columns = (offsets, inputs["codes"], inputs["times"], inputs["rows"])
    return lambda: sort_within(*columns, 0, len(left_over), left_over), len(inputs["codes"])


def _hash_sequences(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.sequences import hash_sequences

    words = np.random.default_rng(1).integers(0, 1 << 63, len(inputs["activities"])).astype(np.uint64)
    out = np.empty(len(inputs["offsets"]) - 1, np.uint64)
    columns = (inputs["codes"], inputs["offsets"], words)
    return lambda: hash_sequences(*columns, 0, len(out), out), len(inputs["codes"])


def _number_sequences(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.sequences import number_sequences

    columns = (inputs["codes"], inputs["offsets"], inputs["hashes"])
    numbers, firsts = (np.empty(len(inputs["offsets"]) - 1, np.int32) for _ in range(2))
    return lambda: number_sequences(*columns, numbers, firsts), len(inputs["codes"])


def _first_to_last(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.groups import first_to_last

    out = np.empty(len(inputs["offsets"]) - 1, np.int64)
    return lambda: first_to_last(inputs["times"], inputs["offsets"], 0, len(out), out), len(inputs["codes"])


def _copy_groups(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_ext.groups import copy_groups

    offsets = inputs["offsets"]
    groups = np.arange(0, len(offsets) - 1, 2)
    new_offsets = np.concatenate(([0], np.cumsum(np.diff(offsets)[groups])))
    out = np.empty(new_offsets[-1], np.int64)
    place = (offsets, groups, new_offsets, 0, len(groups))
    return lambda: copy_groups(inputs["times"], *place, out), len(out)


def _token_steps(inputs: Inputs) -> tuple[Once, int]:
    import dealtrace as dt
    from benchmarks.logs import NET
    from dealtrace_engine.models.token_game import token_game

    net = dt.read_pnml(NET)
    number = {label: i for i, label in enumerate(net.labels)}
    label_of = np.array([number.get(str(name), -1) for name in inputs["activities"]], np.int32)
    cases = len(inputs["offsets"]) - 1
    missing, consumed, produced, remaining = (np.zeros(cases, np.int64) for _ in range(4))
    fit = np.zeros(cases, np.uint8)
    game = token_game(net)
    columns = (inputs["codes"], inputs["offsets"], label_of)
    totals = (missing, consumed, produced, remaining, fit)
    return lambda: game.run(*columns, 0, cases, *totals), len(inputs["codes"])


def _automata(inputs: Inputs) -> tuple[Once, int]:
    from dealtrace_engine.patterns.pattern import compile_pattern
    from dealtrace_engine.patterns.positions import name_classes
    from dealtrace_ext.automata import match_sequences

    pattern = compile_pattern(PATTERN)
    class_of = name_classes(pattern.expression)
    classes = np.array([class_of.get(str(name), 0) for name in inputs["activities"]], np.uint16)
    matched = np.empty(len(inputs["offsets"]) - 1, np.uint8)
    columns = (pattern._matcher, inputs["codes"], inputs["offsets"], classes)
    return lambda: match_sequences(*columns, 0, len(matched), matched), len(inputs["codes"])


KERNELS: dict[str, Callable[[Inputs], tuple[Once, int]]] = {
    "intern.encode_at": _interner,
    "pages.text_positions": _text_positions,
    "pages.unpack": _unpack,
    "csv_fields.split": _csv_fields,
    "timestamps.parse": _timestamps,
    "scatter.count_keys": _count_keys,
    "scatter.scatter": _scatter,
    "scatter.sort_within": _sort_within,
    **{name: _as_recorded(name) for name in RECORDED},
    "groups.copy_groups": _copy_groups,
    "sequences.hash_sequences": _hash_sequences,
    "sequences.number_sequences": _number_sequences,
    "groups.first_to_last": _first_to_last,
    "tokens.run": _token_steps,
    "automata.match_sequences": _automata,
}


def main() -> None:
    path, kernel, repeats = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with np.load(path) as stored:
        inputs = dict(stored)
    once, events = KERNELS[kernel](inputs)
    for _ in range(repeats):
        once()
    print(events)


if __name__ == "__main__":
    main()
