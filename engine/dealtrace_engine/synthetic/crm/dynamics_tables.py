"""The tables that a Dynamics 365 Sales organisation would hold of what happened in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_activities import activity_histories
from dealtrace_engine.synthetic.crm.dynamics_approvals import APPROVALS, approval_histories
from dealtrace_engine.synthetic.crm.dynamics_auditing import CHANGES, audit_rows, audit_table
from dealtrace_engine.synthetic.crm.dynamics_bpf import FLOWS, definitions, flow_histories, with_path
from dealtrace_engine.synthetic.crm.dynamics_codes import stringmap
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
from dealtrace_engine.synthetic.crm.dynamics_invoices import invoice_history
from dealtrace_engine.synthetic.crm.dynamics_leads import lead_history
from dealtrace_engine.synthetic.crm.dynamics_lines import line_histories
from dealtrace_engine.synthetic.crm.dynamics_opportunities import (
    opportunity_history,
    opportunityclose_history,
)
from dealtrace_engine.synthetic.crm.dynamics_orders import order_history, orderclose_history
from dealtrace_engine.synthetic.crm.dynamics_people import (
    account_history,
    contact_history,
    incident_history,
    lasting_tables,
)
from dealtrace_engine.synthetic.crm.dynamics_quotes import quote_history, quoteclose_history

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.dynamics_history import History
    from dealtrace_engine.synthetic.crm.facts import Facts

_LINE = ("priceperunit", "baseamount", "manualdiscountamount", "volumediscountamount", "extendedamount")
MONEY: dict[str, tuple[str, ...]] = {
    "opportunity": ("estimatedvalue", "actualvalue", "totalamount"),
    "opportunityclose": ("actualrevenue",),
    "quote": ("totalamount", "totallineitemamount", "totaldiscountamount"),
    "salesorder": ("totalamount", "totallineitemamount"),
    "invoice": ("totalamount", "totallineitemamount"),
    "opportunityproduct": _LINE,
    "quotedetail": _LINE,
    "salesorderdetail": _LINE,
    "invoicedetail": _LINE,
}
"""Columns of money, each with a twin in the currency of the organisation."""


def _alone(make: Callable[[Directory], History]) -> Callable[[Directory], dict[str, History]]:
    def group(directory: Directory) -> dict[str, History]:
        made = make(directory)
        return {made.table: made}

    return group


_GROUPS: tuple[tuple[tuple[str, ...], Callable[[Directory], dict[str, History]]], ...] = (
    (("lead",), _alone(lead_history)),
    (("opportunity",), _alone(opportunity_history)),
    (("opportunityclose",), _alone(opportunityclose_history)),
    (("quote",), _alone(quote_history)),
    (("quoteclose",), _alone(quoteclose_history)),
    (("salesorder",), _alone(order_history)),
    (("orderclose",), _alone(orderclose_history)),
    (("invoice",), _alone(invoice_history)),
    (("account",), _alone(account_history)),
    (("contact",), _alone(contact_history)),
    (("incident",), _alone(incident_history)),
    (tuple(FLOWS), flow_histories),
    (("opportunityproduct", "quotedetail", "salesorderdetail", "invoicedetail"), line_histories),
    (("phonecall", "appointment", "email", "task"), activity_histories),
    (APPROVALS, approval_histories),
)
"""Tables whose rows change or come and go, and who makes their histories, some of them together."""
HISTORIES = tuple(table for tables, _ in _GROUPS for table in tables)


class Tables:
    """Makes the histories of tables when they are asked for; only the last ones are kept.

    Parameters
    ----------
    facts : Facts
    """

    def __init__(self, facts: Facts) -> None:
        self.directory = Directory(facts)
        self._made: dict[str, History] = {}

    def history(self, table: str) -> History:
        """Return the history of a table of `HISTORIES`."""
        if table not in self._made:
            self._made = {}
            (make,) = (make for tables, make in _GROUPS if table in tables)
            self._made = make(self.directory)
        return self._made[table]

    def current(self, table: str) -> pl.DataFrame:
        """Return the rows of a table as they are."""
        return self._finished(table, self.history(table).current())

    def versions(self, table: str) -> pl.DataFrame:
        """Return every version of the rows of a table, with `IsDelete`."""
        return self._finished(table, self.history(table).rows()).sort("modifiedon", "versionnumber")

    def _finished(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        if table in FLOWS:
            rows = with_path(rows, self.history(table).versions)
        return self.directory.finished(rows, MONEY.get(table, ()))


class Versions(Mapping[str, "pl.DataFrame"]):
    """Every version of the rows of each table; a table is put together when it is asked for, and not kept."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self._tables.versions(table)

    def __iter__(self) -> Iterator[str]:
        return iter(HISTORIES)

    def __len__(self) -> int:
        return len(HISTORIES)


def dynamics_tables(facts: Facts | Tables) -> dict[str, pl.DataFrame]:
    """Return all tables as they are at the export.

    Parameters
    ----------
    facts : Facts or Tables
        `Tables` to share the ids with `versions`.

    Returns
    -------
    dict of str to polars.DataFrame
        By logical name of the table, with logical names of columns: GUIDs as texts in lower case, options as
        integers, instants as datetime[us, UTC]; columns of behaviour DateOnly are dates, those of behaviour
        UserLocal with the format DateOnly are the midnight of the organisation's zone. `audit` and
        `stringmap` are among them.

    Examples
    --------
    >>> from dealtrace_engine.synthetic.crm.facts import facts
    >>> tables = dynamics_tables(facts(20, seed=1))
    >>> len(tables["opportunity"])
    20
    """
    made = facts if isinstance(facts, Tables) else Tables(facts)
    tables, audits = {}, []
    for table in HISTORIES:
        tables[table] = made.current(table)
        if table in CHANGES:
            audits.append(audit_rows(made.directory, made.history(table)))
    return {
        **tables,
        **lasting_tables(made.directory),
        **definitions(made.directory),
        "stringmap": stringmap(made.directory.seed),
        "audit": audit_table(made.directory, audits),
    }


def versions(facts: Facts | Tables) -> Mapping[str, pl.DataFrame]:
    """Return every create, update and delete of each table as a full row, as an append-only lake keeps them.

    Parameters
    ----------
    facts : Facts or Tables

    Returns
    -------
    mapping of str to polars.DataFrame
        Rows as in `dynamics_tables` in the order of `modifiedon`, with `versionnumber` and `IsDelete`. Each
        is made anew when it is asked for.

    Examples
    --------
    >>> from dealtrace_engine.synthetic.crm.facts import facts
    >>> rows = versions(facts(20, seed=1))["opportunity"]
    >>> len(rows) > 20, rows["versionnumber"].is_unique().all()
    (True, True)
    """
    return Versions(facts if isinstance(facts, Tables) else Tables(facts))
