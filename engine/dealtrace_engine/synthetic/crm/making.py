"""The parts of an organisation become the tables of its export, its truth, and what was planted in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from dealtrace_engine.parallel import Progress
from dealtrace_engine.synthetic.crm import dynamics_tables, salesforce_tables
from dealtrace_engine.synthetic.crm.dynamics_shapes import writing as dynamics
from dealtrace_engine.synthetic.crm.facts import Facts, facts
from dealtrace_engine.synthetic.crm.parts import Part, whole
from dealtrace_engine.synthetic.crm.planted import Evidence
from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceSetup
from dealtrace_engine.synthetic.crm.salesforce_planted import salesforce_dirt
from dealtrace_engine.synthetic.crm.salesforce_shape_truth import shape_truth, traced_tables
from dealtrace_engine.synthetic.crm.salesforce_shapes import writing as salesforce
from dealtrace_engine.synthetic.crm.spool import Spool, height_of
from dealtrace_engine.synthetic.crm.truth_file import (
    ROW_GROUP,
    seen_in_lists,
    with_cases_shown,
    with_notes,
    write_truth,
)

if TYPE_CHECKING:
    import polars as pl

EXPORT, TRUTH = "export", "truth.parquet"
_SPOOLED, _VERSIONS, _LISTED = "tables", "versions", "listed"
_NAMED = {"opportunities": ("opportunity", "name"), "leads": ("lead", "name", "merged_into")}
"""What must be known of all parts where records are named instead of identified."""


@dataclass(frozen=True)
class Job:
    """What is to be made.

    Attributes
    ----------
    deals, seed : int
    parts : list of Part
    shape, language : str
    folder : Path
        With an empty folder `EXPORT`.
    packaged : bool
    progress : callable, optional
    options : mapping of str to Any
        Of the writer.
    """

    deals: int
    seed: int
    parts: list[Part]
    shape: str
    folder: Path
    language: str
    packaged: bool
    progress: Progress | None
    options: Mapping[str, Any]

    @property
    def writing(self) -> dict[str, Any]:
        """What the writers of both systems are asked for."""
        return {"language": self.language, "progress": self.progress, **self.options}

    def facts(self) -> Iterator[Facts]:
        """Yield what happened, part by part."""
        for part in self.parts:
            yield facts(self.deals, self.seed, self.progress, part)

    def held(self, name: str, shared: frozenset[str]) -> dict[str, pl.DataFrame] | Spool:
        """Return where tables are kept until they are written: in memory, or on disk if there are parts."""
        if len(self.parts) == 1:
            return {}
        (self.folder / name).mkdir()
        return Spool(self.folder / name, shared)


@dataclass
class Made:
    """What is counted in the parts of an organisation.

    Attributes
    ----------
    evidence : Evidence
    rows : Counter
        Of each table.
    events : dict of str to dict
        Activity to how many "events" there were and how many are "derivable".
    dirt : dict
        Counted in the tables, beside what is counted in the facts.
    """

    evidence: Evidence = field(default_factory=Evidence)
    rows: Counter[str] = field(default_factory=Counter)
    events: dict[str, dict[str, int]] = field(default_factory=dict)
    dirt: dict[str, Any] = field(default_factory=dict)

    def add_dirt(self, dirt: Mapping[str, Any]) -> None:
        """Add counts; what is no count is the same in all parts."""
        for name, found in dirt.items():
            counted = isinstance(found, int) and name in self.dirt
            self.dirt[name] = self.dirt[name] + found if counted else found

    def planted(self) -> dict[str, Any]:
        """Return what ``planted.json`` holds beside the name of the shape."""
        found = self.evidence.planted()
        found["dirt"].update(self.dirt)
        return found


def _added(tables: dict[str, pl.DataFrame] | Spool, more: Mapping[str, pl.DataFrame]) -> None:
    for name, rows in more.items():
        if isinstance(tables, Spool):
            tables.add(name, rows)
        else:
            tables[name] = rows


def _own(part: Part, tables: Mapping[str, pl.DataFrame], shared: frozenset[str]) -> dict[str, pl.DataFrame]:
    """Return the tables that come with this part."""
    return {name: table for name, table in tables.items() if part.is_first or name not in shared}


def make_salesforce(job: Job) -> Made:
    """Write an organisation that works with Salesforce."""
    made, tables = Made(), job.held(_SPOOLED, salesforce_tables.SHARED)
    made.events = write_truth(job.folder / TRUTH, _salesforce_truth(job, made, tables))
    salesforce.write_salesforce(tables, job.folder / EXPORT, job.shape, **job.writing)
    rmtree(job.folder / _SPOOLED, ignore_errors=True)
    return made


def _salesforce_truth(
    job: Job, made: Made, tables: dict[str, pl.DataFrame] | Spool
) -> Iterator[pl.DataFrame]:
    """Add the tables of each part, and yield its truth."""
    setup = SalesforceSetup(salesforce.SHAPES[job.shape].retention_months, packaged=job.packaged)
    for happened in job.facts():
        every = salesforce_tables.salesforce_tables(happened, setup)
        own = _own(happened.part, every, salesforce_tables.SHARED)
        made.evidence.add(happened)
        made.rows.update({name: table.height for name, table in own.items()})
        made.add_dirt(salesforce_dirt(own, setup))
        before = {name: height_of(tables, name) for name in tables if name not in salesforce_tables.SHARED}
        _added(tables, salesforce.kept_tables(own, job.shape))
        traced = traced_tables(every, job.shape)
        del every, own
        yield from shape_truth(happened, job.shape, traced, setup, before)
        del happened, traced  # before the next part is made


def make_dynamics(job: Job) -> Made:
    """Write an organisation that works with Dynamics."""
    made, tables = Made(), job.held(_SPOOLED, dynamics_tables.SHARED)
    versions = job.held(_VERSIONS, dynamics_tables.SHARED)
    (job.folder / _LISTED).mkdir()
    made.events = write_truth(job.folder / TRUTH, _dynamics_truth(job, made, tables, versions))
    dynamics.write_dynamics(tables, job.folder / EXPORT, job.shape, versions=versions or None, **job.writing)
    for name in (_SPOOLED, _VERSIONS, _LISTED):
        rmtree(job.folder / name, ignore_errors=True)
    return made


def _dynamics_truth(
    job: Job, made: Made, tables: dict[str, pl.DataFrame] | Spool, versions: dict[str, pl.DataFrame] | Spool
) -> Iterator[pl.DataFrame]:
    """Add the tables of each part, and yield its truth."""
    from dealtrace_engine.synthetic.crm.dynamics_truth import derivable

    cases = {name: (name, f"{name}id") for name in ("opportunity", "lead")}
    listed, named = Spool(job.folder / _LISTED), []
    for happened in job.facts():
        histories = dynamics_tables.Tables(happened)
        own = _own(happened.part, dynamics_tables.dynamics_tables(histories), dynamics_tables.SHARED)
        made.evidence.add(happened)
        made.rows.update({name: table.height for name, table in own.items()})
        _added(tables, dynamics.kept_tables(own, job.shape))
        shown = {name: own[name].select(column) for name, (_, column) in cases.items()}
        del own
        if dynamics.SHAPES[job.shape].appends:
            _added(versions, _own(happened.part, dynamics_tables.versions(histories), dynamics_tables.SHARED))
        del histories
        truth = with_cases_shown(derivable(happened, job.shape), shown, cases)
        if job.shape == "excel":
            listed.add(TRUTH, truth)
            named.append({name: happened[name].select(columns) for name, columns in _NAMED.items()})
        else:
            yield with_notes(truth, happened)
        users = happened["users"]
        del happened, truth, shown  # before the next part is made
    if listed:
        yield from _as_listed(job, listed, named, users)


def _as_listed(
    job: Job, truths: Spool, named: list[dict[str, pl.DataFrame]], users: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Yield the truth of all parts where records are told apart by their names."""
    import polars as pl

    frames = {name: pl.concat(part[name] for part in named) for name in _NAMED}
    known = Facts(job.deals, job.seed, whole(job.deals), {"users": users, **frames})
    for truth in truths.slices(TRUTH, ROW_GROUP):
        yield with_notes(seen_in_lists(truth, known), known)
