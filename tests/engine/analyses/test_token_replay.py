from __future__ import annotations

import json
import pickle
from collections import Counter
from fractions import Fraction
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
from dealtrace_engine.analyses import played as module
from dealtrace_engine.analyses.token_replay import replay, token_replay
from dealtrace_engine.analyses.variants import Variants
from dealtrace_engine.analyses.variants import variants as variants_of
from dealtrace_engine.errors import Cancelled, LogError, ModelError
from dealtrace_engine.models.petri_net import Arc, PetriNet, PetriNetBuilder, Transition
from dealtrace_engine.models.pnml import read_pnml
from dealtrace_engine.models.token_game import token_game
from dealtrace_engine.sources.memory import from_arrow
from tests.naive import token_replay as naive
from tests.nets import nets, tied_nets, traces
from tests.shared_data import LOGS, ORACLE, needs_shared

FIGURES = ("produced", "consumed", "missing", "remaining", "fit", "fitness")


def encoded(variants, dtype=np.uint8):
    activities = sorted({activity for trace in variants for activity in trace})
    codes = np.array([activities.index(a) for trace in variants for a in trace], dtype=dtype)
    return activities, codes, np.cumsum([0, *map(len, variants)])


def expected_rows(net, variants):
    plain = naive.Net(net)
    return [naive.replay(plain, trace) for trace in variants]


def nonzero(names, counts):
    return {name: count for name, count in zip(names.to_pylist(), counts.to_pylist(), strict=True) if count}


def weighted(counters, weights):
    total = Counter()
    for counter, weight in zip(counters, weights, strict=True):
        for key, count in counter.items():
            total[key] += count * weight
    return {key: count for key, count in total.items() if count}


@given(nets() | tied_nets(), traces, st.sampled_from([np.uint8, np.uint16, np.uint32, np.int32]))
@settings(max_examples=400, deadline=None)
def test_each_variant_equals_the_twin(net, variants, dtype):
    activities, codes, offsets = encoded(variants, dtype)
    result = replay(net, activities, codes, offsets, [1] * len(variants))
    for row, expected in zip(result.table.to_pylist(), expected_rows(net, variants), strict=True):
        assert {name: row[name] for name in FIGURES} == {name: getattr(expected, name) for name in FIGURES}
        assert row["unknown_events"] == expected.unknown.total()


@given(nets(most_weight=3) | tied_nets(), traces, st.data())
@settings(max_examples=200, deadline=None)
def test_totals_and_diagnostics_equal_the_twin(net, variants, data):
    weights = data.draw(st.lists(st.integers(1, 5), min_size=len(variants), max_size=len(variants)))
    expected = expected_rows(net, variants)
    result = replay(net, *encoded(variants), weights)
    for name in ("produced", "consumed", "missing", "remaining"):
        assert getattr(result, name) == sum(
            getattr(e, name) * w for e, w in zip(expected, weights, strict=True)
        )
    assert result.fit_cases == sum(w for e, w in zip(expected, weights, strict=True) if e.fit)
    mean = sum(Fraction(e.fitness) * w for e, w in zip(expected, weights, strict=True)) / sum(weights)
    assert result.average_trace_fitness == float(mean)
    places, transitions = result.diagnostics.places, result.diagnostics.transitions
    assert nonzero(places["place"], places["missing"]) == weighted([e.missing_at for e in expected], weights)
    assert nonzero(places["place"], places["remaining"]) == weighted(
        [e.remaining_at for e in expected], weights
    )
    ids = transitions["transition"]
    assert nonzero(ids, transitions["fired"]) == weighted([e.fired for e in expected], weights)
    assert nonzero(ids, transitions["problems"]) == weighted([e.problems for e in expected], weights)
    unknown = result.diagnostics.unknown
    assert nonzero(unknown["activity"], unknown["events"]) == weighted([e.unknown for e in expected], weights)


@given(nets(), traces)
@settings(max_examples=100, deadline=None)
def test_a_full_table_changes_no_figure(net, variants):
    roomy = replay(net, *encoded(variants), [1] * len(variants))
    game, small = token_game(net), SmallGame(net)
    played = roomy._played
    assert small.figures(played) == small.figures(played, game)
    assert small.game.tally(played.codes, played.offsets, played.label_of, played.weights) == game.tally(
        played.codes, played.offsets, played.label_of, played.weights
    )


class SmallGame:
    """The token game with room for three markings."""

    def __init__(self, net, states=3):
        self.game = token_game(net, states)

    def figures(self, played, game=None):
        arrays = [np.zeros(len(played.weights), dtype=np.int64) for _ in range(4)]
        fit = np.zeros(len(played.weights), dtype=np.uint8)
        (game or self.game).run(
            played.codes, played.offsets, played.label_of, 0, len(played.weights), *arrays, fit
        )
        return [array.tolist() for array in (*arrays, fit)]


def unbounded_net():
    """Each A adds two tokens that nothing takes away."""
    return (
        PetriNetBuilder()
        .place("start", initial=1)
        .place("end", final=1)
        .transition("a", "A", inputs=["start"], outputs={"start": 1, "heap": 2})
        .transition("b", "B", inputs=["start"], outputs=["end"])
        .build()
    )


def test_an_unbounded_net_stays_within_its_table():
    trace = ["A"] * 20_000 + ["B"]
    small = SmallGame(unbounded_net(), 64)
    activities, codes, offsets = encoded([trace, trace])
    result = replay(unbounded_net(), activities, codes, offsets, [1, 1])
    assert small.figures(result._played)[3] == [40_000, 40_000]
    assert small.game.states <= 64
    assert small.game.emptied > 300
    assert result.remaining == 80_000
    assert not result.fit_cases


def test_unknown_activities_are_skipped_and_reported():
    net = unbounded_net()
    variants = [["B"], ["X", "B", "X"]]
    skipped = replay(net, *encoded(variants), [3, 2])
    assert (skipped.fit_cases, skipped.percentage_of_fitting_traces) == (5, 100.0)
    assert skipped.diagnostics.unknown.to_pylist() == [{"activity": "X", "events": 4}]
    assert skipped.notes == ("activity 'X' is not in the model (4 events)",)
    strict = replay(net, *encoded(variants), [3, 2], unknown="unfit")
    assert (strict.fit_cases, strict.missing) == (3, 0)
    with pytest.raises(ValueError, match="skip"):
        replay(net, *encoded(variants), [3, 2], unknown="ignore")


def test_the_first_enabled_of_several_equal_labels_is_fired():
    net = (
        PetriNetBuilder()
        .place("start", initial=1)
        .place("end", final=1)
        .transition("t2", "A", inputs=["start"], outputs=["end"])
        .transition("t1", "A", inputs=["other"], outputs=["end"])
        .transition("t3", "A", inputs=["start"], outputs=["other"])
        .build()
    )
    result = replay(net, *encoded([["A"]]), [1])
    assert result.fit_cases == 1
    assert result.notes == ("3 transitions are labelled 'A'; the first enabled one by id is fired",)


def test_cases_follow_their_variants():
    result = replay(
        unbounded_net(), *encoded([["B"], ["A", "B"]]), [1, 2], variant_ids=pa.array(["v", "w"]),
        case_ids=pa.array(["x", "y", "z"]), of_case=np.array([1, 0, 1], dtype=np.int32),
    )  # fmt: skip
    assert result.cases.column_names[:2] == ["case_id", "variant"]
    assert result.cases["case_id"].to_pylist() == ["x", "y", "z"]
    assert result.cases["fit"].to_pylist() == [False, True, False]
    again = pickle.loads(pickle.dumps(result))
    assert again.table == result.table
    assert again.diagnostics.places == result.diagnostics.places


def test_without_cases_the_case_table_is_refused():
    with pytest.raises(LogError, match="without the cases"):
        _ = replay(unbounded_net(), *encoded([["B"]]), [1]).cases


def test_an_empty_log_is_refused():
    with pytest.raises(LogError, match="no case"):
        replay(unbounded_net(), [], [], [0], [])


def test_progress_can_cancel():
    with pytest.raises(Cancelled):
        replay(unbounded_net(), *encoded([["B"]]), [1], progress=lambda done, of: False)


def test_codes_without_an_activity_are_refused():
    with pytest.raises(ValueError, match="no label"):
        replay(unbounded_net(), ["A", "B"], [0, 2], [0, 2], [1])


def test_weights_that_could_overflow_are_refused():
    most = (1 << 20) - 1
    arcs = [Arc("p0", f"t{i}", most) for i in range(2100)]
    transitions = tuple(Transition(f"t{i}") for i in range(2100))
    net = PetriNet(("p0", "p1"), transitions, tuple(arcs), {"p0": 1}, {"p1": 1})
    with pytest.raises(ModelError, match="2\\*\\*31"):
        replay(net, ["A"], [0], [0, 1], [1])


def test_the_mean_does_not_depend_on_the_order():
    net = unbounded_net()
    variants = [["A"] * n + ["B"] for n in range(40)]
    weights = [10**9 + 7 * n for n in range(40)]
    forward = replay(net, *encoded(variants), weights).average_trace_fitness
    assert replay(net, *encoded(variants[::-1]), weights[::-1]).average_trace_fitness == forward


COLUMNS = {
    "receipt": ("receipt.csv", "case:concept:name", "concept:name", "time:timestamp"),
    "o2c-ibm": ("o2c-ibm.parquet", "Key", "Activity", "timestamp"),
    "hospital-billing": ("hospital-billing.parquet", "case_id", "activity", "timestamp"),
}


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("name", COLUMNS)
def test_a_real_log_gives_the_reference_figures(name):
    variants = real_variants(*COLUMNS[name])
    result = replay(read_pnml(ORACLE / f"{name}.pnml"), *encoded(list(variants)), list(variants.values()))
    expected = json.loads((ORACLE / f"{name}.json").read_text())["replay"]
    for figure in ("produced", "consumed", "missing", "remaining"):
        assert getattr(result, figure) == expected[f"{figure}_tokens"]
    assert result.fit_cases == expected["fit_cases"]
    for figure in ("average_trace_fitness", "log_fitness"):
        assert getattr(result, figure) == pytest.approx(expected[figure], rel=1e-12)


def real_variants(file, case, activity, time):
    path = LOGS / file
    table = (
        pa.csv.read_csv(path)
        if path.suffix == ".csv"
        else pa.parquet.read_table(path, columns=[case, activity, time])
    )
    table = table.select([case, activity, time]).append_column("row", pa.array(range(table.num_rows)))
    table = table.sort_by([(time, "ascending"), ("row", "ascending")])
    cases = {}
    for key, step in zip(table[case].to_pylist(), table[activity].to_pylist(), strict=True):
        cases.setdefault(key, []).append(step)
    return Counter(map(tuple, cases.values()))


@given(nets(most_weight=3) | tied_nets(), traces)
@settings(max_examples=50, deadline=None)
def test_the_same_bits_for_any_threads(net, variants):
    """Each thread has an automaton of its own, and they meet the markings in another order."""
    weights = [1 + i % 3 for i in range(len(variants))]
    with mock.patch.object(module, "blocks", one_by_one):
        results = [replay(net, *encoded(variants), weights, threads=threads) for threads in (1, 2, 4)]
    for result in results[1:]:
        assert result.to_json() == results[0].to_json()


def one_by_one(offsets, _):
    return [(first, first + 1) for first in range(len(offsets) - 1)]


def test_the_table_is_made_when_it_is_asked_for(monkeypatch):
    log = from_arrow(logs.table(logs.BY_HAND["one long case"]))
    net = unbounded_net()
    with monkeypatch.context() as patch:
        patch.setattr(Variants, "ids", property(lambda self: pytest.fail("not asked for")))
        result = token_replay(log, net)
        assert result.produced > 0
    assert result.table["variant"].equals(variants_of(log).table["variant"])
    assert pickle.loads(pickle.dumps(result)).table.equals(result.table)
