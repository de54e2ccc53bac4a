"""The mapping file: TOML, versioned, checked key by key.

::

    format = 1
    system = "salesforce"              # which CRM it is for; optional

    [cases]
    leading = "opportunity"            # or lead, quote, order, invoice
    flatten = "all"                    # or primary, first, last
    every_contact = false
    link_by_account = false
    migrated_share = 0.05

    [time]
    zone = "Europe/Berlin"             # in which a calendar day is a day
    dates = "d/m/Y"                    # of reports whose dates do not tell; or m/d/Y, Y/m/d

    [activities]
    language = "de"
    stage = "Stage: <to>"              # how a change of stage is called; the usual name where empty

    [stages]
    order = ["Prospecting", "Negotiation", "Closed Won"]
    [stages.aliases]                   # earlier names
    "Negociation" = "Negotiation"

    [statuses]                         # each replaces a set of the defaults
    "quote.accepted" = ["Accepted", "Signed*"]

    [ladders]                          # which rules may find an activity, the first first
    contract_signed = ["SF3", "SF1"]
    first_customer_contact = ["SF1", "SF2", "SF3", "SF4"]  # SF4: also by contact roles

    [fields]                           # own fields, as attributes of the case
    "Opportunity.Region__c" = "region"

    [tables.Signature__c]              # own tables: id, case and instants of activities
    id = "Id"
    case = "Opportunity__c"
    contract_signed = "SignedOn__c"

    [labels]                           # names of activities in other logs
    "Angebot erstellt" = "quote_created"

    [headers]                          # own names of the columns of reports
    "Deal no." = "Opportunity.Id"

    [ends.K13]                         # where KPIs and segments begin and end instead
    from = "quote_accepted"
    to = ["order_activated", "Stage: Ordered"]  # the first of any; canonical ids, or names in the log
    last = false                       # whether the last end counts; as it is otherwise where not said
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dealtrace_engine.output import PathLike, written_whole
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.mapping_checks import FORMAT, Checked
from dealtrace_engine.sources.crm.system import CrmSystem
from dealtrace_engine.toml_files import entries, key_lines, read_toml, written_key

SECTIONS = {
    "cases": ("leading", "flatten", "every_contact", "link_by_account", "migrated_share"),
    "time": ("zone", "dates"),
    "activities": ("language", "stage_activity"),
}
"""Tables of the file to the fields of `CrmMapping` that are single values; `stage_activity` is ``stage``."""
TABLES = ("statuses", "ladders", "fields", "labels", "headers")
"""Fields of `CrmMapping` that are tables of the same name."""


def read_mapping(path: PathLike, system: CrmSystem | None = None) -> CrmMapping:
    r"""Read a mapping file: what an organisation calls things, and how its export is to be understood.

    Parameters
    ----------
    path : path
        Of a TOML file as `dealtrace mapping` proposes it.
    system : CrmSystem, optional
        Whose rules the ladders must be of; by default those of the system that the file names.

    Returns
    -------
    CrmMapping

    Raises
    ------
    ParseError
        There is no such file, or it is no TOML; with the line.
    MappingError
        A key is not known or has a value that cannot be; with the line and the nearest known key.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mapping.toml"
    >>> _ = path.write_text('format = 1\n[cases]\nflatten = "first"\n')
    >>> read_mapping(path).flatten
    'first'
    """
    content, text, _ = read_toml(path, "the mapping")
    return Checked(content, path, key_lines(text), system).mapping()


def mapping_of(given: PathLike | Mapping[str, Any] | CrmMapping | None, system: CrmSystem) -> CrmMapping:
    """Return the mapping that is given as such, as a file, or as the content of one.

    Raises
    ------
    ParseError, MappingError
        See `read_mapping`.
    """
    if given is None:
        return CrmMapping()
    if isinstance(given, CrmMapping):
        given.ladder(system.rules)
        return given
    if isinstance(given, Mapping):
        return Checked(given, None, {}, system).mapping()
    return read_mapping(given, system)


def write_mapping(mapping: CrmMapping, path: PathLike, system: str = "") -> None:
    """Write a mapping file that `read_mapping` reads back as it was.

    Parameters
    ----------
    mapping : CrmMapping
    path : path
    system : str, optional
        Which CRM it is for.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with written_whole(path) as temporary:
        temporary.write_text(mapping_text(mapping, system), "utf-8")


def mapping_text(
    mapping: CrmMapping, system: str = "", remarks: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Return the content of a mapping file.

    Parameters
    ----------
    mapping : CrmMapping
    system : str, optional
        Which CRM it is for.
    remarks : mapping of str to sequence of str, optional
        Lines to write, as comments, at the end of a table such as ``"statuses"``; of ``""`` at the beginning.
    """
    remarks = remarks or {}
    lines = [*_commented(remarks.get("", ())), f"format = {FORMAT}"]
    lines += entries({"system": system} if system else {})
    for section, fields in SECTIONS.items():
        names = {"stage_activity": "stage"}
        values = {names.get(field, field): getattr(mapping, field) for field in fields}
        lines += _table(section, values, remarks)
    order: Mapping[str, Any] = {"order": mapping.stage_order} if mapping.stage_order else {}
    lines += _table("stages", order, remarks)
    lines += _table("stages.aliases", mapping.stage_aliases, remarks)
    for name in TABLES:
        lines += _table(name, getattr(mapping, name), remarks)
    lines += _table("ends", {}, remarks)
    for name, moved in mapping.ends.items():
        lines += _table(f"ends.{written_key(name)}", moved, remarks)
    for name, meanings in mapping.objects.items():
        lines += _table(f"tables.{written_key(name)}", meanings, remarks)
    return "\n".join([*lines, *_commented(remarks.get("end", ()), before=True)]) + "\n"


def _table(name: str, values: Mapping[str, Any], remarks: Mapping[str, Sequence[str]]) -> list[str]:
    told = list(_commented(remarks.get(name, ())))
    return ["", f"[{name}]", *entries(values), *told] if values or told else []


def _commented(lines: Sequence[str], before: bool = False) -> list[str]:
    commented = [f"# {' '.join(line.splitlines())}".rstrip() for line in lines]
    return ["", *commented] if before and commented else commented
