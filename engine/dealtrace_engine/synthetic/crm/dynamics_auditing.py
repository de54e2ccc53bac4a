"""What this organisation audits: which columns of which tables, since when, with which gaps, for how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from dealtrace_engine.synthetic.crm.dynamics_audit import Audited, changed_rows, state_action
from dealtrace_engine.synthetic.crm.dynamics_bpf import LEAD_FLOW, OPPORTUNITY_FLOW
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
from dealtrace_engine.synthetic.crm.dynamics_guids import NO_GUID, guid, guids
from dealtrace_engine.synthetic.crm.dynamics_history import History

if TYPE_CHECKING:
    import polars as pl


class Gap(NamedTuple):
    """A span without auditing.

    Attributes
    ----------
    table : str
    column : str or None
        None is the whole table.
    begin, end : datetime
        The end is not in it.
    """

    table: str
    column: str | None
    begin: datetime
    end: datetime


KEPT_SINCE = datetime(2024, 7, 1, tzinfo=UTC)
"""Older audit rows were deleted."""
ALWAYS = datetime(2021, 1, 1, tzinfo=UTC)
GAPS = (
    Gap(OPPORTUNITY_FLOW, None, ALWAYS, datetime(2024, 9, 2, 6, tzinfo=UTC)),
    Gap(LEAD_FLOW, None, ALWAYS, datetime(2024, 9, 2, 6, tzinfo=UTC)),
    Gap("invoice", None, datetime(2025, 6, 2, 6, tzinfo=UTC), datetime(2025, 6, 23, 6, tzinfo=UTC)),
    Gap(
        "opportunity",
        "estimatedclosedate",
        datetime(2025, 2, 10, 6, tzinfo=UTC),
        datetime(2025, 3, 10, 6, tzinfo=UTC),
    ),
)
_STATE = (Audited("statecode", "number"), Audited("statuscode", "number"))
_OWNER = Audited("ownerid", "systemuser")

CHANGES: dict[str, tuple[Audited, ...]] = {
    "lead": (
        *_STATE,
        Audited("leadqualitycode", "number"),
        _OWNER,
        Audited("masterid", "lead"),
        Audited("qualifyingopportunityid", "opportunity"),
    ),
    "opportunity": (
        *_STATE,
        _OWNER,
        Audited("estimatedvalue", "money"),
        Audited("estimatedclosedate", "day"),
        Audited("closeprobability", "number"),
        Audited("presentproposal", "flag"),
        Audited("actualvalue", "money"),
        Audited("actualclosedate", "day"),
    ),
    "quote": (*_STATE, Audited("discountpercentage", "money"), Audited("totalamount", "money")),
    "salesorder": (*_STATE, Audited("submitdate", "time"), Audited("datefulfilled", "time")),
    "invoice": _STATE,
    "incident": _STATE,
    OPPORTUNITY_FLOW: (*_STATE, Audited("activestageid", "processstage")),
    LEAD_FLOW: (*_STATE, Audited("activestageid", "processstage"), Audited("opportunityid", "opportunity")),
}
"""Columns that change."""
CREATIONS: dict[str, tuple[Audited, ...]] = {
    "lead": (
        Audited("fullname", "text"),
        Audited("companyname", "text"),
        Audited("leadsourcecode", "number"),
    ),
    "opportunity": (
        Audited("name", "text"),
        Audited("customerid", "account"),
        Audited("originatingleadid", "lead"),
    ),
    "quote": (
        Audited("quotenumber", "text"),
        Audited("revisionnumber", "number"),
        Audited("opportunityid", "opportunity"),
    ),
    "salesorder": (
        Audited("ordernumber", "text"),
        Audited("quoteid", "quote"),
        Audited("opportunityid", "opportunity"),
    ),
    "invoice": (
        Audited("invoicenumber", "text"),
        Audited("totalamount", "money"),
        Audited("salesorderid", "salesorder"),
    ),
    "incident": (Audited("ticketnumber", "text"),),
    OPPORTUNITY_FLOW: (Audited("opportunityid", "opportunity"),),
    LEAD_FLOW: (Audited("leadid", "lead"),),
}
"""Columns that never change, and show in the row of the creation."""
ACTIONS: dict[str, dict[tuple[int, int], int]] = {
    "lead": {(1, 3): 24, (2, 4): 25, (2, 5): 25, (2, 6): 25, (2, 7): 12},
    "opportunity": {(1, 3): 44, (2, 4): 45, (2, 5): 45, (0, 1): 21},
    "quote": {(1, 2): 4, (2, 4): 44, (3, 5): 16, (3, 6): 17, (3, 7): 43},
    "salesorder": {(1, 3): 26, (2, 4): 17, (3, 100001): 22, (3, 100002): 22, (4, 100003): 29},
    "invoice": {(2, 100001): 23, (2, 100002): 23, (3, 100003): 17},
    "incident": {(1, 5): 20},
}
"""The own action of reaching a state and status, which some of the rows have."""
STARTED, STOPPED, COLUMN_STARTED, COLUMN_STOPPED, LOG_DELETED = 105, 108, 106, 109, 111
_COLUMN_NUMBERS = {"estimatedclosedate": 24}


def audit_table(directory: Directory, parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the audit table, those of each table in the order of time.

    Parameters
    ----------
    directory : Directory
    parts : iterable of DataFrame
        What `audit_rows` returned for each table.
    """
    import polars as pl

    switches = _switches(directory)
    of_all = switches if directory.facts.part.is_first else switches.head(0)
    rows = pl.concat([*parts, of_all], how="diagonal", rechunk=False)
    users = directory.user(rows.get_column("_user")).alias("userid")
    return rows.drop("_user").with_columns(users, pl.lit(None, pl.String).alias("callinguserid"))


def audit_rows(directory: Directory, history: History) -> pl.DataFrame:
    """Return the rows of a table of `CHANGES`, in the order of time; users are still keys."""
    import polars as pl

    table = history.table
    rows = changed_rows(
        history, CHANGES[table], _action(directory, table), directory.seed, CREATIONS[table],
        {gap.column: _inside(gap) for gap in GAPS if gap.table == table},
    )  # fmt: skip
    return rows.filter(pl.col("createdon") >= KEPT_SINCE).sort("createdon", maintain_order=True)


def _inside(gap: Gap) -> pl.Expr:
    import polars as pl

    return (pl.col("at") >= gap.begin) & (pl.col("at") < gap.end)


def _action(directory: Directory, table: str) -> pl.Expr:
    import polars as pl

    own = pl.lit(None, pl.Int32)
    for (state, status), action in ACTIONS.get(table, {}).items():
        reached = (pl.col("statecode") == state) & (pl.col("statuscode") == status)
        own = pl.when(reached).then(action).otherwise(own)
    return state_action(own, directory.seed, table, owned=_OWNER in CHANGES[table])


def _switches(directory: Directory) -> pl.DataFrame:
    """Return the rows that say when auditing began and ended, and that old rows were deleted."""
    import polars as pl

    rows = [(KEPT_SINCE, LOG_DELETED, "audit", None), *_switched()]
    frame = pl.DataFrame(
        [row for row in rows if row[0] >= KEPT_SINCE],
        schema={"createdon": pl.Datetime("us", "UTC"), "action": pl.Int32, "objecttypecode": pl.String,
                "attributemask": pl.String},
        orient="row",
    )  # fmt: skip
    return frame.select(
        guids("audit/switch", range(len(frame)), directory.seed).alias("auditid"),
        "createdon",
        "action",
        pl.lit(2, pl.Int32).alias("operation"),
        "objecttypecode",
        pl.lit(guid("organization", 1, directory.seed)).alias("objectid"),
        pl.lit(0, pl.Int64).alias("_user"),
        pl.lit(NO_GUID).alias("transactionid"),
        pl.lit(None, pl.String).alias("changedata"),
        "attributemask",
    )


def _switched() -> Iterator[tuple[datetime, int, str, str | None]]:
    for gap in GAPS:
        stopped, started = (COLUMN_STOPPED, COLUMN_STARTED) if gap.column else (STOPPED, STARTED)
        mask = f",{_COLUMN_NUMBERS[gap.column]}," if gap.column else None
        yield gap.begin, stopped, gap.table, mask
        yield gap.end, started, gap.table, mask


def audited(table: str, at: pl.Expr, column: str | None = None) -> pl.Expr:
    """Return whether a change of a table (or of a column of it) at these times is in the audit table."""
    import polars as pl

    kept = pl.lit(table in CHANGES) & (at >= KEPT_SINCE)
    for gap in GAPS:
        if gap.table == table and gap.column in (None, column):
            kept &= ~((at >= gap.begin) & (at < gap.end))
    return kept
