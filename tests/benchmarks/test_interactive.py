"""Filters and sequences on an open log: every rival that is installed keeps and finds what dealtrace does."""

import importlib.util

import pyarrow.parquet as pq
import pytest

import dealtrace as dt
from benchmarks.answers import differences
from benchmarks.logs import own_file
from benchmarks.questions import INTERACTIVE_MODULES, QUESTIONS, Log, rival

INTERACTIVE = [name for name, question in QUESTIONS.items() if question.interactive]
ASKED = [
    (name, question)
    for question in INTERACTIVE
    for name in QUESTIONS[question].rivals
    if name != "ours" and importlib.util.find_spec(name)
]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("it's a log")
    path = folder / "log.parquet"
    pq.write_table(dt.lead_to_cash(600, seed=3).events, path)
    return Log(str(path), own_file=str(own_file(path, folder)))


def answered(name, question, log):
    tool = rival(name, interactive=True)
    return tool.TELL[question](tool.ASK[question](tool.load(log)))


@pytest.mark.parametrize(("name", "question"), ASKED)
def test_rivals_agree(name, question, log):
    assert differences(answered("ours", question, log), answered(name, question, log)) == []


def test_filters_keep_about_what_they_say(log):
    shares = {}
    for question in INTERACTIVE:
        cases, of = answered("ours", question, log).get("kept", {"cases": [0, 1]})["cases"]
        shares[question] = cases / of
    assert 0.4 < shares["filter_half"] < 0.6
    assert 0.02 < shares["filter_twentieth"] < 0.08
    assert 0.1 < shares["sequence"] < 0.5


def test_what_is_kept_is_answered_as_if_it_were_all(log):
    """Counts of the filtered log are those of a log made of the same rows."""
    events = pq.read_table(log.path)
    regions = answered("ours", "filter_half", log)
    rows = [row["region"] in ("DACH", "North America", "France") for row in events.to_pylist()]
    alone = dt.variants(dt.from_arrow(events.filter(rows)))
    assert sum(alone.counts.tolist()) == regions["kept"]["cases"][0]
    assert sum(n for (n,) in regions["variants"].values()) == regions["kept"]["cases"][0]


def test_the_own_file_is_made_once(log, tmp_path):
    own = own_file(type(tmp_path)(log.path), tmp_path)
    made = own.stat().st_mtime_ns
    assert own_file(type(tmp_path)(log.path), tmp_path).stat().st_mtime_ns == made
    assert dt.open(own).events == pq.ParquetFile(log.path).metadata.num_rows


def test_a_rival_answers_what_it_is_registered_for():
    for name in INTERACTIVE_MODULES:
        if name == "ours" or importlib.util.find_spec(name):
            asked = {question for question in INTERACTIVE if name in QUESTIONS[question].rivals}
            tool = rival(name, interactive=True)
            assert asked <= tool.ASK.keys() == tool.TELL.keys()
