"""Business process flows: the instances that carry opportunities through stages, and their definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.dynamics_directory import UNSET, Directory, of_changes, where_set
from dealtrace_engine.synthetic.crm.dynamics_guids import below, guid
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

OPPORTUNITY_FLOW, LEAD_FLOW = "opportunitysalesprocess", "leadtoopportunitysalesprocess"
OPEN_STAGES = company.STAGES[: company.CLOSED_WON]
LEAD_STAGE = "Lead Qualification"
"""The stage of the lead's flow before there is an opportunity."""
FLOWS = {
    OPPORTUNITY_FLOW: ("Opportunity Sales Process", OPEN_STAGES),
    LEAD_FLOW: ("Lead to Opportunity Sales Process", (LEAD_STAGE, *OPEN_STAGES)),
}
"""Table to the name of the flow and its stages."""
ACTIVE, FINISHED, ABORTED = 1, 2, 3
_CATEGORIES = (0, 1, 2, 2, 2, 3)
"""Of the open stages: qualify, develop, propose, close."""
_SWITCHED_PERMILLE, _SWITCHED_AFTER_S = 20, 60
_SWITCHED_KEY = 1 << 40


def stage_moves(directory: Directory) -> pl.DataFrame:
    """Return how opportunities move between open stages, close and reopen.

    Returns
    -------
    DataFrame
        key, at, by, rank; `stage`, the name of an open stage, null for closings; `stage_before`, the open
        stage that the opportunity was in; `closes` ("Won", "Lost" or null) and `reopens`. A stage has the
        name that it has today.
    """
    import polars as pl

    changes = of_changes(directory.facts, "opportunity", "stage")
    place, old_name = company.RENAMED_STAGE
    today = {old_name: company.STAGES[place]}
    won, lost = company.STAGES[company.CLOSED_WON], company.STAGES[company.CLOSED_LOST]
    is_open = ~pl.col("new").is_in([won, lost])
    changes = changes.with_columns(
        pl.when(is_open).then(pl.col("new").replace(today)).alias("stage"),
        pl.when(pl.col("new") == won)
        .then(pl.lit("Won"))
        .when(pl.col("new") == lost)
        .then(pl.lit("Lost"))
        .alias("closes"),
        pl.col("old").is_in([won, lost]).alias("reopens"),
    )
    before = (
        pl.col("stage").forward_fill().shift(1).over("key").fill_null(company.STAGES[company.QUALIFICATION])
    )
    return changes.with_columns(before.alias("stage_before")).select(
        "key", "at", "by", "rank", "stage", "stage_before", "closes", "reopens"
    )


def opportunity_flow(directory: Directory) -> History:
    """Return the flows of the opportunities that did not come from a lead."""
    return _flow(directory, OPPORTUNITY_FLOW, _direct(_deals(directory)), stage_moves(directory), [])


def lead_flow(directory: Directory) -> History:
    """Return the flows of the leads, each going on with the lead's opportunity, and some begun by mistake."""
    import polars as pl

    deals = _deals(directory)
    leads, switched = _lead_instances(directory, deals), _switched(directory, _direct(deals))
    return _flow(
        directory, LEAD_FLOW, pl.concat([leads, switched], how="diagonal"),
        _of_leads(stage_moves(directory), deals), [*_lead_events(directory, leads), _aborted(switched)],
    )  # fmt: skip


def _deals(directory: Directory) -> pl.DataFrame:
    import polars as pl

    deals = directory.facts["opportunities"].filter(~pl.col("deleted"))
    return deals.select("opportunity", "lead", "created", "created_by")


def _direct(deals: pl.DataFrame) -> pl.DataFrame:
    """Return the opportunities without a lead, at the first stage."""
    import polars as pl

    return deals.filter(pl.col("lead").is_null()).with_columns(
        pl.col("opportunity").alias("key"), pl.lit(company.STAGES[0]).alias("stage")
    )


def _lead_instances(directory: Directory, deals: pl.DataFrame) -> pl.DataFrame:
    """Return an instance for every lead whose opportunity was not deleted."""
    import polars as pl

    leads = directory.facts["leads"].filter(
        pl.col("opportunity").is_null()
        | pl.col("opportunity").is_in(deals.get_column("opportunity").implode())
    )
    return leads.with_columns(
        pl.col("lead").alias("key"),
        pl.col("captured").alias("created"),
        pl.col("captured_by").alias("created_by"),
        pl.lit(LEAD_STAGE).alias("stage"),
    )


def _of_leads(moves: pl.DataFrame, deals: pl.DataFrame) -> pl.DataFrame:
    """Return the moves with the key of the lead, whose flow carries the opportunity."""
    import polars as pl

    leads = deals.filter(pl.col("lead").is_not_null()).select(pl.col("opportunity").alias("key"), "lead")
    return (
        moves.join(leads, "key", maintain_order="left").with_columns(pl.col("lead").alias("key")).drop("lead")
    )


def _lead_events(directory: Directory, leads: pl.DataFrame) -> list[pl.DataFrame]:
    import polars as pl

    first = _stage_guid(directory, LEAD_FLOW, pl.lit(company.STAGES[0]))
    deal = leads.with_columns(directory.guids("opportunity", leads.get_column("opportunity")).alias("deal"))
    ends = {"statecode": 1, "statuscode": ABORTED}
    return [
        at_change(
            deal,
            "converted",
            "converted_by",
            -1,
            activestageid=first,
            _deal=pl.col("deal"),
            _started=pl.col("converted"),
        ),
        at_change(leads, "disqualified", "disqualified_by", 0, **ends, _completed=pl.col("disqualified")),
        at_change(leads, "merged", "owner", 1, **ends, _completed=pl.col("merged")),
    ]


def _switched(directory: Directory, direct: pl.DataFrame) -> pl.DataFrame:
    """Return the instances of the wrong flow that users began and left at once."""
    import polars as pl

    chosen = below("bpf/switched", direct.get_column("key"), directory.seed, 1000) < _SWITCHED_PERMILLE
    return direct.filter(chosen).with_columns(
        (pl.col("key") + _SWITCHED_KEY).alias("key"),
        (pl.col("created") + pl.duration(seconds=_SWITCHED_AFTER_S)).alias("left"),
    )


def _aborted(switched: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return at_change(
        switched, "left", "created_by", 0, statecode=1, statuscode=ABORTED, _completed=pl.col("left")
    )


def _flow(
    directory: Directory, table: str, instances: pl.DataFrame, moves: pl.DataFrame, events: list[pl.DataFrame]
) -> History:
    import polars as pl

    moves = moves.filter(pl.col("key").is_in(instances.get_column("key").implode()))
    moved = pl.col("stage").is_not_null() & (pl.col("stage") != pl.col("stage_before"))
    closes = pl.col("closes").is_not_null()
    reason = pl.when(pl.col("closes") == "Won").then(FINISHED).when(closes).then(ABORTED).otherwise(ACTIVE)
    followed = at_change(
        moves, "at", "by", 0,
        activestageid=pl.when(moved).then(_stage_guid(directory, table, pl.col("stage"))),
        statecode=closes.cast(pl.Int32), statuscode=reason,
        _started=pl.when(moved).then("at"), _completed=pl.when(closes).then("at"),
    ).with_columns(moves.get_column("rank"))  # fmt: skip
    records = _instances(directory, table, instances)
    return history(
        table, "businessprocessflowinstanceid", records, [followed, *events], directory, _derived(table)
    )


def _instances(directory: Directory, table: str, instances: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    lead = "lead" if table == LEAD_FLOW else None
    deals = directory.guids("opportunity", instances.get_column("opportunity"))
    begins = pl.col("stage") == company.STAGES[0]
    records = instances.select(
        "key",
        pl.col("created").alias("createdon"),
        pl.col("created_by").alias("createdby"),
        pl.lit(FLOWS[table][0]).alias("name"),
        pl.lit(process_guid(directory, table)).alias("processid"),
        _stage_guid(directory, table, pl.col("stage")).alias("activestageid"),
        pl.when(begins).then(deals).fill_null("").alias("_deal"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(ACTIVE, pl.Int32).alias("statuscode"),
        pl.col("created").alias("_started"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_completed"),
        *([directory.guids("lead", instances.get_column("lead")).alias("leadid")] if lead else []),
    )
    if table == LEAD_FLOW:
        return records
    blank = ("quoteid", "salesorderid", "bpf_quoteid", "bpf_salesorderid")
    return records.with_columns(
        pl.col("_deal").alias("opportunityid"), *(pl.lit(None, pl.String).alias(name) for name in blank)
    ).drop("_deal")


def _derived(table: str) -> list[pl.Expr]:
    import polars as pl

    new_stage = pl.struct("key", "activestageid").ne_missing(pl.struct("key", "activestageid").shift(1))
    deal = [pl.when(pl.col("_deal") != "").then("_deal").alias("opportunityid")] if table == LEAD_FLOW else []
    return [
        *deal,
        pl.col("_started").alias("activestagestartedon"),
        pl.when(pl.col("statecode") == 1)
        .then(where_set("_completed", pl.col("_completed")))
        .alias("completedon"),
        new_stage.cum_sum().over("key").cast(pl.Int64).alias("_entered"),
    ]


def with_path(rows: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """Add `traversedpath`, the stages of an instance up to each row, and its `duration` in minutes.

    Parameters
    ----------
    rows : DataFrame
        Of the history: all versions or the last ones.
    versions : DataFrame
        All versions.
    """
    import polars as pl

    entered = versions.filter(pl.struct("key", "_entered").ne_missing(pl.struct("key", "_entered").shift(1)))
    paths = entered.group_by("key", maintain_order=True).agg(pl.col("activestageid").alias("_stages"))
    path = pl.col("_stages").list.head("_entered").list.join(",")
    minutes = (pl.col("completedon") - pl.col("createdon")).dt.total_minutes()
    return rows.join(paths, "key", "left", maintain_order="left").with_columns(
        path.alias("traversedpath"), minutes.cast(pl.Int32).alias("duration")
    )


def process_guid(directory: Directory, table: str) -> str:
    """Return the id of a flow's definition."""
    return guid("workflow", list(FLOWS).index(table), directory.seed)


def _stage_key(table: str, place: int) -> int:
    return list(FLOWS).index(table) * 100 + place


def _stage_guid(directory: Directory, table: str, stage: pl.Expr) -> pl.Expr:
    """Return the ids of stages of these names."""
    import polars as pl

    names = FLOWS[table][1]
    ids = {
        name: guid("processstage", _stage_key(table, place), directory.seed)
        for place, name in enumerate(names)
    }
    return stage.replace_strict(ids, default=None, return_dtype=pl.String)


def definitions(directory: Directory) -> dict[str, pl.DataFrame]:
    """Return the tables `workflow` and `processstage`: what the flows are."""
    import polars as pl

    flows, stages = [], []
    for table, (name, names) in FLOWS.items():
        process = process_guid(directory, table)
        entity = "lead" if table == LEAD_FLOW else "opportunity"
        flows.append((process, name, table, 4, 1, entity, 1, 2))
        for place, stage in enumerate(names):
            of_lead = stage == LEAD_STAGE
            category = 0 if of_lead else _CATEGORIES[OPEN_STAGES.index(stage)]
            key = guid("processstage", _stage_key(table, place), directory.seed)
            stages.append((key, stage, category, "lead" if of_lead else "opportunity", process))
    of_flow = (
        "workflowid",
        "name",
        "uniquename",
        "category",
        "type",
        "primaryentity",
        "statecode",
        "statuscode",
    )
    of_stage = ("processstageid", "stagename", "stagecategory", "primaryentitytypecode", "processid")
    return {
        "workflow": pl.DataFrame(flows, schema=of_flow, orient="row"),
        "processstage": pl.DataFrame(stages, schema=of_stage, orient="row"),
    }
