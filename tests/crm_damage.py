"""Small organisations of both CRMs on disk, ways to damage a copy, and what the command line says of it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import NamedTuple

from dealtrace.cli import main
from dealtrace_engine.synthetic.crm.writing import EXPORT, write_organisation

DEALS, SEED = 40, 3


class Said(NamedTuple):
    """How a command ended: its code, its line on stderr, and its answer as lines for a test to look for."""

    code: int
    error: str
    told: str


def written(folder, system, shape=None):
    """Write an organisation and return its export."""
    return write_organisation(system, shape, DEALS, SEED, folder).folder / EXPORT


def copied(export, folder):
    return Path(shutil.copytree(export, folder))


def said(capsys, folder, *options):
    """Run `dealtrace info --json`: whatever happens, it ends with an answer or with one line."""
    code = main(["info", str(folder), "--json", *options])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if code:
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith("dealtrace: error: ")
        return Said(code, err, "")
    assert err == ""
    return Said(0, "", told(json.loads(out)["quality"]))


def told(quality):
    """What the answer says of the quality and the coverage, a line each."""
    coverage = quality["coverage"]
    lines = [f"{found['count']} x {found['reason']}" for found in quality["noted"]]
    lines += [f"note {text}" for text in quality["notes"]]
    lines += [f"missing {name}" for name in coverage["missing"]]
    lines += [f"orphans {name} {counts['events']}" for name, counts in coverage["orphans"].items()]
    lines += [f"cannot tell {name}: {why}" for name, why in coverage["underivable"].items()]
    lines += [f"after the export {coverage['after_export']}", f"shape {coverage['shape']}"]
    return "\n".join(lines)


def rows(file):
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines))


def write_rows(file, found, encoding="utf-8", delimiter=","):
    with file.open("w", newline="", encoding=encoding, errors="replace") as lines:
        csv.writer(lines, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(found)


def change(file, column, new, **options):
    """Rewrite a column of a CSV file: `new` takes the number of the row and the old value."""
    header, *found = rows(file)
    place = header.index(column)
    for number, row in enumerate(found):
        row[place] = new(number, row[place])
    write_rows(file, [header, *found], **options)


def without_column(file, column):
    place = rows(file)[0].index(column)
    write_rows(file, [row[:place] + row[place + 1 :] for row in rows(file)])


def tenth(new):
    """Change every tenth value only."""
    return lambda number, old: new(old) if number % 10 == 0 else old


def change_records(file, new):
    """Rewrite the records of a page of JSON: `new` takes the number and the record, and changes it."""
    page = json.loads(file.read_text("utf-8"))
    for number, record in enumerate(page["value"]):
        new(number, record)
    file.write_text(json.dumps(page), "utf-8")


def cut(file, share=0.5):
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])


def into_days(folder):
    """Put all files into two folders that are named after days."""
    files = [file for file in folder.iterdir() if file.is_file()]
    for day in ("2025-12-01", "2026-01-01"):
        (folder / day).mkdir()
        for file in files:
            shutil.copy(file, folder / day)
    for file in files:
        file.unlink()
