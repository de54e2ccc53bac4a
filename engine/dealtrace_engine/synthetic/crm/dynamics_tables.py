"""The tables that a Dynamics 365 Sales organisation would hold of what happened in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_activities import (
    appointment_history,
    email_history,
    phonecall_history,
    task_history,
)
from dealtrace_engine.synthetic.crm.dynamics_approvals import (
    approval_history,
    approvalrequest_history,
    approvalresponse_history,
)
from dealtrace_engine.synthetic.crm.dynamics_auditing import CHANGES, audit_rows, audit_table
from dealtrace_engine.synthetic.crm.dynamics_bpf import (
    FLOWS,
    LEAD_FLOW,
    OPPORTUNITY_FLOW,
    definitions,
    lead_flow,
    opportunity_flow,
    with_path,
)
from dealtrace_engine.synthetic.crm.dynamics_codes import stringmap
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
from dealtrace_engine.synthetic.crm.dynamics_invoices import invoice_history
from dealtrace_engine.synthetic.crm.dynamics_leads import lead_history
from dealtrace_engine.synthetic.crm.dynamics_lines import (
    invoicedetail_history,
    opportunityproduct_history,
    quotedetail_history,
    salesorderdetail_history,
)
from dealtrace_engine.synthetic.crm.dynamics_opportunities import (
    opportunity_history,
    opportunityclose_history,
)
from dealtrace_engine.synthetic.crm.dynamics_orders import order_history, orderclose_history
from dealtrace_engine.synthetic.crm.dynamics_parties import activity_parties
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


_MAKERS: dict[str, Callable[[Directory], History]] = {
    "lead": lead_history,
    "opportunity": opportunity_history,
    "opportunityclose": opportunityclose_history,
    "opportunityproduct": opportunityproduct_history,
    "quote": quote_history,
    "quoteclose": quoteclose_history,
    "quotedetail": quotedetail_history,
    "salesorder": order_history,
    "salesorderdetail": salesorderdetail_history,
    "orderclose": orderclose_history,
    "invoice": invoice_history,
    "invoicedetail": invoicedetail_history,
    OPPORTUNITY_FLOW: opportunity_flow,
    LEAD_FLOW: lead_flow,
    "phonecall": phonecall_history,
    "appointment": appointment_history,
    "email": email_history,
    "task": task_history,
    "msdyn_flow_approval": approval_history,
    "msdyn_flow_approvalrequest": approvalrequest_history,
    "msdyn_flow_approvalresponse": approvalresponse_history,
    "account": account_history,
    "contact": contact_history,
    "incident": incident_history,
}
HISTORIES = tuple(_MAKERS)
"""Tables whose rows change or come and go."""


class Tables:
    """Makes the histories of tables when they are asked for; only the last one is kept.

    Parameters
    ----------
    facts : Facts
    """

    def __init__(self, facts: Facts) -> None:
        self.directory = Directory(facts)
        self._last: History | None = None

    def history(self, table: str) -> History:
        """Return the history of a table of `HISTORIES`."""
        if self._last is None or self._last.table != table:
            self._last = None
            self._last = _MAKERS[table](self.directory)
        return self._last

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
        if table not in HISTORIES:
            raise KeyError(table)
        return self._tables.versions(table)

    def __contains__(self, table: object) -> bool:
        return table in HISTORIES

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
        "activityparty": activity_parties(made.directory),
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
