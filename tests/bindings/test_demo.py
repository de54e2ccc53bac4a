"""`dealtrace demo`: the figures that it tells are those of the log."""

import json
import re

import numpy as np
import pytest

import dealtrace as dt
from dealtrace.cli import main
from dealtrace.commands.steps import Steps
from dealtrace.report.analysis import analyse
from dealtrace.report.deals import Deals


def test_demo_writes_and_tells(tmp_path, capsys):
    out = tmp_path / "demo"
    for _ in range(2):  # the second replaces the first
        assert main(["demo", "-o", str(out), "--opportunities", "300", "--seed", "3"]) == 0
    told = capsys.readouterr().out
    truths = dt.lead_to_cash(300, seed=3).truths
    for name in ("won", "lost", "paid"):
        assert re.search(rf"\n{name} +{truths[name]:,} \(", told)
    assert all(len(line) <= 80 or str(tmp_path) in line for line in told.splitlines())
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["parameters"] == {"opportunities": 300, "seed": 3, "language": "en"}
    assert "events.parquet" in {file["name"] for file in manifest["files"]}
    assert dt.read_parquet(out / "events.parquet").fingerprint == manifest["log"]["fingerprint"]


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_figures_are_the_planted_ones(language):
    made = dt.lead_to_cash(400, seed=5, language=language)
    analysis = analyse(dt.from_arrow(made.events), None, 1, Steps(visible=False).step)
    deals = Deals(analysis, language, analysis.throughput.microseconds / 1e6)
    assert deals.has("opportunity_created").sum() == made.truths["opportunities"]
    assert deals.has("payment_received").sum() == made.truths["paid"]
    assert deals.has("quote_revised").sum() == made.truths["revision_loops"]
    assert deals.events("quote_revised").sum() == made.truths["quote_revisions"]
    assert np.array_equal(deals.seconds, analysis.throughput.table["seconds"].to_numpy())


def test_an_unknown_language(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path / "demo"), "--language", "tlh"]) == 1
    assert "choose from en, de" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_demo_of_one_deal(tmp_path):
    assert main(["demo", "-o", str(tmp_path / "demo"), "--opportunities", "1"]) == 0
