"""How much dirt there is in the Salesforce tables of an organisation, beside that of its facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.salesforce_org import TRACKED, SalesforceSetup

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    Tables = Mapping[str, pl.DataFrame]

_STATE = ("StageName", "Amount", "CloseDate")


def salesforce_dirt(tables: Tables, setup: SalesforceSetup | None = None) -> dict[str, int | str]:
    """Return counts of rows, and since when the fields of each object have a history.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        What `salesforce_tables` returns.
    setup : SalesforceSetup, optional
        What they were made with.

    Examples
    --------
    >>> from dealtrace_engine.synthetic.crm.facts import facts
    >>> from dealtrace_engine.synthetic.crm.salesforce_tables import salesforce_tables
    >>> salesforce_dirt(salesforce_tables(facts(50, seed=1)))["order_history_since"]
    '2024-11-04'
    """
    setup = setup or SalesforceSetup()
    since = {f"{name.lower()}_history_since": setup.horizon(name).date().isoformat() for name in TRACKED}
    return {**since, **_snapshots(tables), **_histories(tables), **_records(tables)}


def _snapshots(tables: Tables) -> dict[str, int]:
    import polars as pl

    rows = tables["OpportunityHistory"].with_row_index("row").sort("OpportunityId", "CreatedDate", "row")
    before = {name: pl.col(name).shift().over("OpportunityId") for name in _STATE}
    same = pl.all_horizontal(pl.col(name) == before[name] for name in _STATE)
    old_name, new_name = company.RENAMED_STAGE[1], company.STAGES[company.RENAMED_STAGE[0]]
    renamed = (before["StageName"] == old_name) & (pl.col("StageName") == new_name)
    stays = pl.col("StageName") == before["StageName"]
    return {
        "snapshots_without_any_change": int(rows.select(same.fill_null(False).sum()).item()),
        "snapshots_without_a_new_stage": int(rows.select(stays.fill_null(False).sum()).item()),
        "snapshots_with_a_stage_only_renamed": int(rows.select(renamed.fill_null(False).sum()).item()),
    }


def _histories(tables: Tables) -> dict[str, int]:
    import polars as pl

    fields, leads = tables["OpportunityFieldHistory"], tables["LeadHistory"]
    empty = pl.col("OldValue").is_null() & pl.col("NewValue").is_null()
    ids = [history.filter(pl.col("DataType") == "EntityId").height for history in (fields, leads)]
    return {
        "rows_of_ids_beside_rows_of_names": sum(ids),
        "long_texts_without_values": fields.filter(empty & (pl.col("DataType") == "TextArea")).height,
    }


def _records(tables: Tables) -> dict[str, int]:
    import polars as pl

    tasks, events, mails = tables["Task"], tables["Event"], tables["EmailMessage"]
    silent = pl.col("OpportunityId").is_null() & (pl.col("Type") == "New")
    gone = [table.filter("IsDeleted").height for table in tables.values() if "IsDeleted" in table.columns]
    return {
        "deleted_rows": sum(gone),
        "archived_tasks_and_events": sum(table.filter("IsArchived").height for table in (tasks, events)),
        "mails_that_are_tasks_too": mails["ActivityId"].count(),
        "tasks_that_are_no_contacts": tasks.filter(pl.col("TaskSubtype") == "Task").height,
        "meetings_after_the_export": events.filter(pl.col("StartDateTime").dt.date() >= EXPORTED).height,
        "contracts_named_by_their_deal_only": tables["Contract"]["SourceOpportunityId"].null_count(),
        "orders_named_by_their_quote_only": tables["Order"].filter(silent).height,
    }
