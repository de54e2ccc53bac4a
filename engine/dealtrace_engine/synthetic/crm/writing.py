"""A whole organisation on disk: its export, the truth behind it, and what was planted in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.output import folder_written_whole
from dealtrace_engine.parallel import Progress
from dealtrace_engine.synthetic.crm.dynamics_shapes.writing import SHAPES as DYNAMICS
from dealtrace_engine.synthetic.crm.export import shape_named
from dealtrace_engine.synthetic.crm.locales import LANGUAGES, LOCALES, ORGANISATION_ZONE
from dealtrace_engine.synthetic.crm.parts import CASES, parts
from dealtrace_engine.synthetic.crm.room import check_room
from dealtrace_engine.synthetic.crm.salesforce_shapes.writing import SHAPES as SALESFORCE

SYSTEMS = {"salesforce": tuple(SALESFORCE), "dynamics": tuple(DYNAMICS)}
"""Each system with its shapes, the one that is written if none is asked for first."""
EXPORT, TRUTH, PLANTED = "export", "truth.parquet", "planted.json"
ON_THE_USERS_CLOCK = {"report": None, "excel": ORGANISATION_ZONE}
"""Shapes that show the time of the user's zone, which they do not name; None: one that fits the language."""


@dataclass(frozen=True)
class Organisation:
    """An organisation that was written.

    Attributes
    ----------
    folder : Path
        Holds the folder `EXPORT`, which is to be analysed, and beside it `TRUTH` and `PLANTED`.
    system, shape : str
    deals, seed : int
    rows : dict of str to int
        Rows of each table of the organisation.
    files, size : int
        Of the export; bytes.
    events : dict of str to dict
        Activity to how many "events" there were and how many are "derivable" from the export.
    planted : dict
        What `PLANTED` holds.
    zone : str or None
        Zone of the instants in the export, where it does not say so itself.
    """

    folder: Path
    system: str
    shape: str
    deals: int
    seed: int
    rows: Mapping[str, int]
    files: int
    size: int
    events: Mapping[str, Mapping[str, int]]
    planted: Mapping[str, Any]
    zone: str | None


def write_organisation(
    system: str,
    shape: str | None,
    deals: int,
    seed: int,
    folder: str | os.PathLike[str],
    *,
    language: str = "en",
    packaged: bool = False,
    part_cases: int = CASES,
    progress: Progress | None = None,
    **options: Any,
) -> Organisation:
    """Make a synthetic organisation and write its export, the truth and what was planted.

    Memory holds the tables of an organisation of up to about 56,000 deals. A larger one is made in parts of
    that size, whose tables are kept beside the export until they are written, table by table.

    Parameters
    ----------
    system : {"salesforce", "dynamics"}
    shape : str, optional
        One of `SYSTEMS`; the first by default.
    deals : int
        Opportunities; a sixth as many leads that are dropped come on top.
    seed : int
        The same seed gives the same files on every platform; from 0 to 2**63 - 1.
    folder : path-like
        Must not exist, or be empty; appears when everything in it is complete.
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of the user who exports.
    packaged : bool
        Whether a Salesforce organisation quotes and bills with the managed packages CPQ and Billing.
    part_cases : int
        A larger organisation is made in parts of so many opportunities and dropped leads.
    progress : callable, optional
        Called with (done, of), from the beginning again for each step; returning False cancels.
    **options
        What the writer of the shape can be asked for, such as ``delimiter="tab"`` of bulk.

    Raises
    ------
    ArgumentError
        An argument is out of its range, or the shape has no such option.
    OutputError
        The folder is not empty, or cannot be written, or the disk has no room for so many deals.
    Cancelled
        The progress callback returned False; nothing is left behind.

    Examples
    --------
    >>> made = write_organisation("salesforce", "data-export", 20, 1, "made")
    >>> sorted(path.name for path in made.folder.iterdir())
    ['export', 'planted.json', 'truth.parquet']
    """
    from dealtrace_engine.synthetic.crm.facts import check_numbers
    from dealtrace_engine.synthetic.crm.making import Job, make_dynamics, make_salesforce

    chosen = _checked(system, shape, language, packaged)
    check_numbers(deals, seed)
    check_room(system, chosen, deals, Path(folder))
    with folder_written_whole(folder) as unfinished:
        (unfinished / EXPORT).mkdir()
        job = Job(
            deals, seed, parts(deals, part_cases), chosen, unfinished, language, packaged, progress, options
        )
        made = make_salesforce(job) if system == "salesforce" else make_dynamics(job)
        found = made.planted()
        text = json.dumps({"system": system, "shape": chosen, **found}, indent=2, ensure_ascii=False)
        (unfinished / PLANTED).write_text(f"{text}\n", "utf-8", newline="")
        sizes = [file.stat().st_size for file in (unfinished / EXPORT).rglob("*") if file.is_file()]
    zone = options.get("zone") or _zone(chosen, language)
    return Organisation(
        Path(folder),
        system,
        chosen,
        deals,
        seed,
        dict(made.rows),
        len(sizes),
        sum(sizes),
        made.events,
        found,
        zone,
    )


def _checked(system: str, shape: str | None, language: str, packaged: bool) -> str:
    """Return the shape that is meant."""
    if system not in SYSTEMS:
        raise ArgumentError(f"there is no CRM {system!r}", hint=f"choose from {', '.join(SYSTEMS)}")
    if language not in LANGUAGES:
        raise ArgumentError(f"there is no language {language!r}", hint=f"choose from {', '.join(LANGUAGES)}")
    if packaged and system != "salesforce":
        raise ArgumentError("CPQ and Billing are packages of Salesforce", hint="leave packaged out")
    chosen = SYSTEMS[system][0] if shape is None else shape
    shape_named({name: name for name in SYSTEMS[system]}, chosen, system.title())
    return chosen


def _zone(shape: str, language: str) -> str | None:
    if shape not in ON_THE_USERS_CLOCK:
        return None
    return ON_THE_USERS_CLOCK[shape] or LOCALES[language].zone
