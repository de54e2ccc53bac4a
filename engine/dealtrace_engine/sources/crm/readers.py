"""Logs from the exports of a CRM, one function a CRM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.log import EventLog
from dealtrace_engine.output import PathLike
from dealtrace_engine.parallel import Progress
from dealtrace_engine.schema import nearest
from dealtrace_engine.sources.crm.mapping import LEADING, CrmMapping
from dealtrace_engine.sources.crm.mapping_file import mapping_of
from dealtrace_engine.sources.crm.read import log_of, raw_export
from dealtrace_engine.sources.crm.system import CrmSystem, crm_system


class CrmArguments(TypedDict, total=False):
    """The keyword arguments of the readers of CRM exports.

    Attributes
    ----------
    tables : mapping of str to table, optional
        Instead of a path: object to what speaks Arrow, such as a Polars, pandas or DuckDB table. Objects and
        columns by their API names, or as warehouses write them.
    shape : str, optional
        The kind of export, such as ``"data-export"``; recognised by default.
    mapping : path, mapping or CrmMapping, optional
        What the organisation calls things: a TOML file, its content, or the thing itself.
    case : str, optional
        What a case is: opportunity, lead, quote, order or invoice; what the mapping says by default, and the
        opportunity where it says nothing.
    language : str, optional
        Of the activities: en, de, fr, it, ja or zh; what the mapping says by default, else English.
    timezone : str, optional
        IANA name of the organisation's zone, in which a day is a day; what the mapping says by default, else
        UTC.
    strict : bool
        Raise where a value of the export cannot be read, instead of leaving it out and counting it.
    threads : int, optional
        All CPUs by default; the result does not depend on it.
    progress : callable (done, of) -> object, optional
        Called after each step; returning False cancels.
    """

    tables: Mapping[str, object] | None
    shape: str | None
    mapping: PathLike | Mapping[str, Any] | CrmMapping | None
    case: str | None
    language: str | None
    timezone: str | None
    strict: bool
    threads: int | None
    progress: Progress | None


def read_salesforce(path: PathLike | None = None, **arguments: Unpack[CrmArguments]) -> EventLog:
    """Read the lead-to-cash log of a Salesforce org from an export as it comes out of the system.

    The weekly Data Export (folder or ZIP parts), Data Loader and Bulk API CSV, REST and sf CLI JSON,
    warehouse replicas, reports, or tables in memory. ``log.quality.coverage`` says how far it can be trusted.

    Parameters
    ----------
    path : path, optional
        The folder or file; or say `tables`.
    **arguments
        See `CrmArguments`.

    Returns
    -------
    EventLog
        A case per opportunity by default, with the attributes of `EventLog.case_table`.

    Raises
    ------
    ParseError
        There is nothing at the path, it is no such export, or a file of it is damaged.
    MappingError
        The mapping has what is not known, or does not fit.
    LogError
        No event could be derived; with what is missing.
    ArgumentError
        Neither path nor tables are given, or both; or there is no such kind of case.

    Examples
    --------
    >>> import polars as pl
    >>> opportunities = pl.DataFrame({
    ...     "Id": ["0064600000J5S5TAAV"], "CreatedDate": ["2024-01-08 09:30:00"], "Amount": ["900"],
    ...     "StageName": ["Closed Won"], "LastStageChangeDate": ["2024-02-01 16:00:00"],
    ...     "IsClosed": ["1"], "IsWon": ["1"],
    ... })
    >>> log = read_salesforce(tables={"Opportunity": opportunities})
    >>> log.activities.to_pylist()
    ['Opportunity Closed Won', 'Opportunity Created', 'Opportunity Stage Changed']
    >>> log.case_table(["amount", "outcome"]).to_pylist()
    [{'case_id': '0064600000J5S5TAAV', 'amount': 900.0, 'outcome': 'Won'}]
    """
    return _read(crm_system("salesforce"), path, **arguments)


def read_dynamics(path: PathLike | None = None, **arguments: Unpack[CrmArguments]) -> EventLog:
    """Read the lead-to-cash log of a Dynamics 365 Sales organisation from an export of its tables.

    Dataverse Web API pages, Synapse Link folders (in place, append-only, incremental), Excel exports,
    warehouse replicas, or tables in memory. ``log.quality.coverage`` says how far it can be trusted.

    Parameters
    ----------
    path : path, optional
        The folder or file; or say `tables`.
    **arguments
        See `CrmArguments`.

    Returns
    -------
    EventLog
        A case per opportunity by default, with the attributes of `EventLog.case_table`.

    Raises
    ------
    ParseError
        There is nothing at the path, it is no such export, or a file of it is damaged.
    MappingError
        The mapping has what is not known, or does not fit.
    LogError
        No event could be derived; with what is missing.
    ArgumentError
        Neither path nor tables are given, or both; or there is no such kind of case.

    Examples
    --------
    >>> import polars as pl
    >>> opportunities = pl.DataFrame({
    ...     "opportunityid": ["6f9619ff-8b86-d011-b42d-00cf4fc964ff"], "statecode": [1],
    ...     "createdon": ["2024-01-08T09:30:00Z"], "actualclosedate": ["2024-02-01"],
    ... })
    >>> log = read_dynamics(tables={"opportunity": opportunities})
    >>> log.activities.to_pylist()
    ['Opportunity Closed Won', 'Opportunity Created']
    >>> log.case_table(["outcome"]).to_pylist()
    [{'case_id': '6f9619ff-8b86-d011-b42d-00cf4fc964ff', 'outcome': 'Won'}]
    """
    return _read(crm_system("dynamics"), path, **arguments)


def _read(system: CrmSystem, path: PathLike | None, **arguments: Unpack[CrmArguments]) -> EventLog:
    tables = arguments.get("tables")
    if (path is None) == (tables is None):
        raise ArgumentError("give either the path of an export or tables")
    mapping = chosen_mapping(system, **arguments)
    if tables is not None:
        raw, how = system.from_frames(tables, mapping), "given"
    else:
        raw, how = raw_export(system, Path(path or "."), arguments.get("shape"), mapping)
    return log_of(
        system, raw, mapping, how_recognised=how, language=arguments.get("language"),
        strict=arguments.get("strict", False), threads=arguments.get("threads"),
        progress=arguments.get("progress"),
    )  # fmt: skip


def chosen_mapping(system: CrmSystem, **arguments: Unpack[CrmArguments]) -> CrmMapping:
    """Return the mapping that is given, with what the other arguments say instead.

    Parameters
    ----------
    system : CrmSystem
    **arguments
        See `CrmArguments`.
    """
    mapping = mapping_of(arguments.get("mapping"), system)
    case, zone = arguments.get("case"), arguments.get("timezone")
    if case is not None and case not in LEADING:
        raise ArgumentError(f"{case!r} cannot be the case", hint=nearest(LEADING, case, "cases"))
    if zone is not None:
        from dealtrace_engine.local_time import LocalTime

        LocalTime(zone)
    return replace(mapping, leading=case or mapping.leading, zone=zone or mapping.zone)
