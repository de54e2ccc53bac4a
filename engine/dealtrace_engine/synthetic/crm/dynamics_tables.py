"""The tables that a Dynamics 365 Sales organisation would hold of what happened in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_activities import activity_histories
from dealtrace_engine.synthetic.crm.dynamics_approvals import approval_histories
from dealtrace_engine.synthetic.crm.dynamics_auditing import audit_rows
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


class Tables:
    """The histories of all tables of an organisation, made when they are first asked for.

    Parameters
    ----------
    facts : Facts
    """

    def __init__(self, facts: Facts) -> None:
        self.directory = Directory(facts)

    @cached_property
    def histories(self) -> dict[str, History]:
        """By table, those whose rows change or come and go."""
        directory = self.directory
        own = (
            lead_history, opportunity_history, opportunityclose_history, quote_history, quoteclose_history,
            order_history, orderclose_history, invoice_history, account_history, contact_history,
            incident_history,
        )  # fmt: skip
        made = [make(directory) for make in own]
        return {
            **{history.table: history for history in made},
            **line_histories(directory),
            **activity_histories(directory),
            **approval_histories(directory),
            **flow_histories(directory),
        }

    def current(self, table: str) -> pl.DataFrame:
        """Return the rows of a table as they are."""
        history = self.histories[table]
        return self._finished(history, history.current())

    def versions(self, table: str) -> pl.DataFrame:
        """Return every version of the rows of a table, with `IsDelete`."""
        history = self.histories[table]
        return self._finished(history, history.rows()).sort("modifiedon", "versionnumber")

    def _finished(self, history: History, rows: pl.DataFrame) -> pl.DataFrame:
        if history.table in FLOWS:
            rows = with_path(rows, history.versions)
        return self.directory.finished(rows, MONEY.get(history.table, ()))


class Versions(Mapping[str, "pl.DataFrame"]):
    """Every version of the rows of each table; a table is put together when it is asked for, and not kept."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self._tables.versions(table)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables.histories)

    def __len__(self) -> int:
        return len(self._tables.histories)


def dynamics_tables(facts: Facts | Tables) -> dict[str, pl.DataFrame]:
    """Return all tables as they are at the export.

    Parameters
    ----------
    facts : Facts or Tables
        `Tables` where versions are wanted too, so that they are made once.

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
    return {
        **{table: made.current(table) for table in made.histories},
        **lasting_tables(made.directory),
        **definitions(made.directory),
        "stringmap": stringmap(made.directory.seed),
        "audit": audit_rows(made.directory, made.histories),
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
