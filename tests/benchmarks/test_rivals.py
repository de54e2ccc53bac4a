"""Every rival that is installed gives our answers, on small logs with ties, gaps and rows in any order."""

import importlib.util
import random

import pyarrow.parquet as pq
import pytest

import logs
from benchmarks.answers import differences
from benchmarks.logs import write_csv
from benchmarks.questions import MODULES, QUESTIONS, Log, rival

MODULE_OF = {"ours": "dealtrace", "naive": "pyarrow"}
INSTALLED = [name for name in MODULES if importlib.util.find_spec(MODULE_OF.get(name, name))]
ASKED = [
    (name, question)
    for question, entry in QUESTIONS.items()
    for name in entry.rivals
    if name in INSTALLED and name != "ours" and not (entry.replays or entry.interactive)
]


@pytest.fixture(scope="module", params=["sorted", "any order"])
def log(request, tmp_path_factory):
    rng = random.Random(5)
    names = ["Lead Captured", "Quote 'Issued'", "Décidé", "b", "a"]
    rows = []
    for case in range(300):
        time = logs.EPOCH_2024 + rng.randrange(400) * logs.DAY
        for _ in range(rng.randrange(1, 9)):
            time += rng.choice([0, 0, 1, logs.SECOND, logs.HOUR])
            rows.append((f"C-{case}", rng.choice(names), time))
    events = logs.log(*rows)
    events = logs.log(*sorted(rows, key=lambda row: row[2])) if request.param == "sorted" else events
    events = events if request.param == "sorted" else logs.reordered(events, rng)
    path = tmp_path_factory.mktemp("it's a log") / "log.parquet"
    pq.write_table(logs.table(events), path)
    write_csv(path.with_suffix(".csv"), str(path))
    return Log(str(path), csv=str(path.with_suffix(".csv")))


def answered(name, question, log):
    tool = rival(name)
    loaded = tool.load_csv(log) if QUESTIONS[question].from_csv else tool.load(log)
    return tool.TELL[question](tool.ASK[question](loaded))


@pytest.mark.parametrize(("name", "question"), ASKED)
def test_rivals_agree(name, question, log):
    ours = answered("ours", question, log)
    assert all(ours.values())
    assert differences(ours, answered(name, question, log)) == []


def test_a_rival_answers_what_it_is_registered_for():
    for name in INSTALLED:
        asked = {
            question
            for question, entry in QUESTIONS.items()
            if name in entry.rivals and not entry.interactive
        }
        assert asked <= rival(name).ASK.keys() == rival(name).TELL.keys()
