"""`dealtrace check`: what it says, and by which exit code."""

from __future__ import annotations

import json
import os
import sys

import pytest

import dealtrace as dt
from dealtrace.cli import main
from dealtrace.report.terminal_words import TerminalWords
from dealtrace_engine.sources.labels import LANGUAGES

CSV = """case,activity,time,region,amount
1,quote,2024-01-01T00:00:00,North,10
1,won,2024-01-03T00:00:00,North,10
2,won,2024-01-01T00:00:00,South,20
"""
RULES = """format = 1
[[rules]]
id = "no-quote"
names = { en = "Won without a quote", de = "Gewonnen ohne Angebot" }
template = "precedence"
activity = "quote"
other = "won"
[[rules]]
id = "lost"
template = "absence"
activity = "opportunity_lost"
[[rules]]
id = "won"
template = "existence"
activity = "won"
"""


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "log.csv").write_text(CSV)
    (tmp_path / "rules.toml").write_text(RULES)
    return [str(tmp_path / "log.csv"), str(tmp_path / "rules.toml")]


def test_violations_give_one(paths, capsys):
    assert main(["check", *paths, "--value", "amount", "--by", "region", "--lang", "de"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    for part in ("Verletzt: 1 von 3 Regeln", "Regel Schwere Fälle von eingehalten betroffen", "South",
                 "Gewonnen ohne Angebot mittel 1 1 0,0\u00a0% 20", "Eingehalten won", "'opportunity_lost'",
                 "1 von 2 Fällen ohne Verletzung (50,0\u00a0%)"):  # fmt: skip
        assert part.replace("\u00a0", " ") in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ready_pack_in_six_languages(tmp_path, capsys, monkeypatch, language):
    """Nothing but reasons is English: headings, columns, severities, and the names of all rules."""
    monkeypatch.setenv("COLUMNS", "300")
    log = dt.from_arrow(dt.lead_to_cash(300, seed=1).events)
    log.save(tmp_path / "log.dealtrace")
    assert main(["check", str(tmp_path / "log.dealtrace"), "--lang", language]) == 1
    said, words = "".join(capsys.readouterr().out.split()), TerminalWords(language)
    table = dt.check_rules(log).table
    statuses = dict(zip(table["rule"].to_pylist(), table["status"].to_pylist(), strict=True))
    assert set(statuses.values()) >= {"violated", "conforming", "not applicable"}
    missing = [id_ for id_, status in statuses.items() if status == "not applicable"]
    told = [words.heading("kept"), words.column("severity"), words.severity("critical"),
            words.heading("not_applicable", count=len(missing), rules=len(statuses)),
            *(rule.name_in(language) for rule in dt.lead_to_cash_rules())]  # fmt: skip
    assert all("".join(text.split()) in said for text in told)
    assert not any(f"{id_}:" in said for id_ in missing)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_narrow_terminal_breaks_no_words(paths, capsys, monkeypatch, is_terminal):
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    monkeypatch.setenv("COLUMNS", "20")
    assert main(["check", *paths, "--by", "region", "--value", "amount"]) == 1
    row = "South    Won without a quote   medium         1    1   0.0%         20"
    assert row in capsys.readouterr().out


def test_what_is_accepted_and_what_was_not_checked_is_said(paths, capsys):
    accepted = '[[rules.exceptions]]\ncase_ids = ["2"]\nreason = "agreed"\n[[rules]]\nid = "lost"'
    with open(paths[1], "w") as file:
        file.write(RULES.replace('[[rules]]\nid = "lost"', accepted).replace('"opportunity_lost"', '"wun"'))
    assert main(["check", *paths, "--allow-missing"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Kept Won without a quote (1 accepted case), won" in said
    assert "not checked: 1 of 3 rules lost: the log has no activity 'wun'; nearest: 'won'" in said


def test_what_nobody_knows_is_no_rule_that_is_kept(paths, capsys, monkeypatch):
    with open(paths[1], "w") as file:
        file.write(RULES.replace('activity = "won"', 'activity = ["won", "wun", "tea"]'))
    for quiet in ([], ["--quiet"], ["--json"]):
        assert main(["check", *paths, *quiet]) == 2
        assert capsys.readouterr() == ("", (
            "dealtrace: rule 'won': there is no activity 'wun'; nearest: 'won'\n"
            "dealtrace: rule 'won': there is no activity 'tea'\n"
            f"dealtrace: error: {paths[1]}: 2 activities are neither in the log nor canonical; correct the "
            "rules, or say --allow-missing to check without\n"
        ))  # fmt: skip
    unread, written = os.pipe()
    os.close(unread)
    with open(written, "w") as closed, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", closed)
        assert main(["check", *paths]) == 2
        os.dup2(os.open(os.devnull, os.O_WRONLY), written)  # what it holds is to be flushed
    assert main(["check", *paths, "--quiet", "--allow-missing"]) == 1
    told = "dealtrace: rule 'lost' was not checked: the log has no activity 'opportunity_lost'\n"
    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [("check", ["--rank", "value"], "--rank value is of amounts"),
     ("check", ["--currency", "region"], "--currency is of amounts"),
     ("kpis", ["--currency", "region"], "add --value"),
     ("check", ["--allow-missing"], "is for a rule pack of your own")],
)  # fmt: skip
def test_what_would_be_passed_over_is_refused(paths, capsys, command, options, said):
    assert main([command, paths[0], *options]) == (2 if command == "check" else 1)
    assert said in capsys.readouterr().err


def test_working_time(paths, tmp_path, capsys):
    (tmp_path / "rules.toml").write_text(
        'format = 1\n[[rules]]\nid = "slow"\ntemplate = "response"\nactivity = "quote"\nother = "won"\n'
        'at_most = "16 h"\n'
    )
    (tmp_path / "hours.toml").write_text('zone = "UTC"\n')
    assert main(["check", *paths, "--quiet"]) == 1
    assert main(["check", *paths, "--quiet", "--calendar", str(tmp_path / "hours.toml")]) == 0
    (tmp_path / "hours.toml").write_text('by = "who"\n[calendars.North]\nzone = "UTC"\n')
    assert main(["check", *paths, "--calendar", str(tmp_path / "hours.toml")]) == 2
    assert "no column 'who'" in capsys.readouterr().err


def test_json(paths, capsys):
    assert main(["check", *paths, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == "dealtrace.check/1"
    assert answer["violated"]
    assert answer["conformance_rate"] == 0.5
    assert answer["rules"][0]["case_ids"] == ["2"]


@pytest.mark.parametrize("json_", [[], ["--json"]])
def test_who_stops_reading_changes_no_verdict(paths, monkeypatch, json_):
    unread, written = os.pipe()
    os.close(unread)
    with open(written, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(["check", *paths, *json_]) == 1
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["check", *paths, *json_]) == 1
    sys.stdout.close()


def test_kept_gives_none_and_quiet_says_nothing(paths, capsys):
    kept = '{"version": 1, "filter": {"op": "case_id", "case_ids": ["1"]}}'
    assert main(["check", *paths, "--quiet", "--filter", kept]) == 0
    assert capsys.readouterr().out == ""


def test_the_ready_pack(tmp_path, capsys):
    (tmp_path / "other.csv").write_text(CSV.replace("won", "tea").replace("quote", "cake"))
    assert main(["check", str(tmp_path / "other.csv")]) == 2
    said = capsys.readouterr()
    assert "Not applicable" in said.out
    assert "none of the rules is applicable" in said.err
    (tmp_path / "own.csv").write_text(
        CSV.replace("won", "Opportunity Closed Won").replace("quote", "Quote Created")
    )
    assert main(["check", str(tmp_path / "own.csv")]) == 1
    assert "Won without a quote" in " ".join(capsys.readouterr().out.split())


def test_errors_give_two(paths, tmp_path, capsys):
    (tmp_path / "rules.toml").write_text(RULES.replace("template", "templat", 1))
    assert main(["check", *paths]) == 2
    assert "line 5" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "none.csv")]) == 2
    assert main(["check", paths[0], str(tmp_path / "none.toml")]) == 2
    assert main(["check"]) == 2
    assert main(["info", str(tmp_path / "none.csv")]) == 1
