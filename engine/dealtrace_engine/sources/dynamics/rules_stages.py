"""Stages: where an opportunity moved in its process or its sales stage, and when a solution was proposed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ids import written
from dealtrace_engine.sources.crm.ladder import Finder, Rule, derived
from dealtrace_engine.sources.crm.names import normal_column, one_of
from dealtrace_engine.sources.crm.tables import data_types
from dealtrace_engine.sources.dynamics.codes import option_labels
from dealtrace_engine.sources.dynamics.evidence import told, told_change
from dealtrace_engine.sources.dynamics.objects import CATALOG, KEYS
from dealtrace_engine.sources.dynamics.stages import (
    PROCESSES,
    SALES_STAGES,
    paths,
    renamed,
    stage_names,
    stage_places,
)
from dealtrace_engine.sources.dynamics.transitions import as_of, transitions

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

CHANGED = "opportunity_stage_changed"
STAGE_COLUMNS = ("salesstage", "stepname", "stageid", "salesstagecode")
"""Columns of an opportunity that hold a stage; of each, the first whose changes are known counts."""
BESIDE = {"probability": "closeprobability", "amount": "estimatedvalue", "close_date": "estimatedclosedate"}
"""What an event says of the opportunity at that time, and in which of its columns that stands."""
AT_ONCE_SECONDS = 2
"""What happens to an opportunity so soon after its creation is part of that."""
PROPOSED = ("presentproposal", "presentfinalproposal")
"""Marks of an opportunity that a solution was proposed."""


def by_process(quality: str) -> Finder:
    """Return how to find stages by the audit ("audit") or the versions ("history") of processes."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        def make() -> pl.LazyFrame:
            found = pl.concat([_process_changes(tables, table) for table in PROCESSES])
            return _told_stages(found.filter(pl.col("ts_quality") == quality), tables, mapping)

        # Proposals are changes of stage too.
        return tables.once(f"stages by {quality} {mapping.stage_order} {mapping.stage_aliases}", make)

    return find


def _process_changes(tables: CrmTables, table: str) -> pl.LazyFrame:
    """Return the changes of stage of the opportunities in a process, with names of the stages."""
    import polars as pl

    found = _with_stage_names(transitions(tables, table, "activestageid"), tables)
    instances = tables.table(table).select(
        record_id=KEYS[table], opportunity=pl.coalesce("opportunityid", "bpf_opportunityid")
    )
    deals = tables.table("opportunity").select(opportunity="opportunityid", created="createdon")
    changes = found.join(instances, on="record_id", maintain_order="left")
    changes = changes.join(deals, on="opportunity", how="left", maintain_order="left")
    # A process that began with a lead comes to its first stage of an opportunity when that is created.
    before = (pl.col("at") <= pl.col("created") + pl.duration(seconds=AT_ONCE_SECONDS)).fill_null(False)
    audited = pl.col("ts_quality") == "audit"
    return changes.filter(pl.col("opportunity").is_not_null() & ~before).select(
        "at", "by", "row_id", "ts_quality", "stage_from", "stage_to",
        record_id="opportunity",
        evidence=pl.when(audited).then(pl.lit("audit")).otherwise(pl.lit(table)),
    )  # fmt: skip


def _with_stage_names(found: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Put names in the place of the ids of stages; an id of which nothing is known stays one."""
    import polars as pl

    names = stage_names(tables)
    for side, name in (("old", "stage_from"), ("new", "stage_to")):
        side_names = names.select(pl.col("stage").alias(side), pl.col("name").alias(name))
        found = found.join(side_names, on=side, how="left", maintain_order="left")
        found = found.with_columns(pl.coalesce(name, written(tables.ids, pl.col(side))).alias(name))
    return found


def by_column(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find stages by the changes of the opportunity's own columns."""
    import polars as pl

    found = pl.concat([
        _column_changes(tables, column).with_columns(place=pl.lit(place))
        for place, column in enumerate(STAGE_COLUMNS)
    ])  # fmt: skip
    first = pl.col("place").min().over("record_id")
    found = found.filter(pl.col("place") == first)
    return _told_stages(found.join(_told_by_process(tables), on="record_id", how="anti"), tables, mapping)


def _told_by_process(tables: CrmTables) -> pl.LazyFrame:
    """Return the opportunities in a process whose stages are known all along, changed or not."""
    import polars as pl

    found = []
    for table in PROCESSES:
        rows = tables.table(table).select(
            "createdon", record_id=KEYS[table], deal=pl.coalesce("opportunityid", "bpf_opportunityid")
        )
        versions = tables.all_versions(table).select(record_id=KEYS[table]).unique()
        audited = transitions(tables, table, "activestageid").filter(pl.col("ts_quality") == "audit")
        began = audited.select(began=pl.col("at").min())
        covered = rows.join(began, how="cross").filter(pl.col("began") <= pl.col("createdon"))
        found.append(rows.join(versions, on="record_id", how="semi").select(record_id="deal"))
        found.append(covered.select(record_id="deal"))
    return pl.concat(found).drop_nulls().unique()


def _column_changes(tables: CrmTables, column: str) -> pl.LazyFrame:
    import polars as pl

    found = transitions(tables, "opportunity", column)
    if column == "stageid":
        found = _with_stage_names(found, tables)
    elif column in SALES_STAGES:
        found = found.with_columns(
            stage_from=_label(tables, column, "old"), stage_to=_label(tables, column, "new")
        )
    else:
        found = found.with_columns(stage_from="old", stage_to="new")
    audited = pl.col("ts_quality") == "audit"
    return found.select(
        "at", "by", "row_id", "ts_quality", "stage_from", "stage_to", "record_id",
        evidence=pl.when(audited).then(pl.lit("audit")).otherwise(pl.lit("opportunity")),
    )  # fmt: skip


def _label(tables: CrmTables, column: str, side: str) -> pl.Expr:
    """Return the labels of the codes of a sales stage; a code without a label is its number."""
    import polars as pl

    labels = option_labels(tables).filter((pl.col("table") == "opportunity") & (pl.col("column") == column))
    label = pl.col(side).replace_strict(labels["code"], labels["label"], default=None, return_dtype=pl.String)
    return pl.coalesce(label, pl.col(side).cast(pl.Int64).cast(pl.String))


def _told_stages(found: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return events of changes of stage, with their direction and what else the opportunity then was."""
    import polars as pl

    named = found.with_columns(renamed("stage_from", mapping), renamed("stage_to", mapping))
    named = named.filter(pl.col("stage_to").is_not_null())
    named = named.filter(pl.col("stage_from").ne_missing(pl.col("stage_to"))).collect().lazy()
    placed = _with_direction(named, stage_places(tables, mapping))
    currency = tables.table("opportunity").select(record_id="opportunityid", currency="transactioncurrencyid")
    beside = _beside(placed, tables).join(currency, on="record_id", how="left", maintain_order="left")
    return told_change(
        beside, "opportunity",
        source_object=pl.col("evidence"), stage_from=pl.col("stage_from"), stage_to=pl.col("stage_to"),
        direction=pl.col("direction"), currency=pl.col("currency"), **{name: pl.col(name) for name in BESIDE},
    )  # fmt: skip


def _with_direction(named: pl.LazyFrame, places: pl.LazyFrame) -> pl.LazyFrame:
    """Add whether a change of stage goes forward or back; each name is looked at once."""
    import polars as pl

    sides = ("stage_from", "stage_to")
    names = pl.concat([named.select(stage=side) for side in sides]).unique().drop_nulls()
    known = names.with_columns(name=normal_column(pl.col("stage"))).join(places, on="name")
    for side in sides:
        place = known.select(pl.col("stage").alias(side), pl.col("place").alias(f"{side}_place"))
        named = named.join(place, on=side, how="left", maintain_order="left")
    step = pl.col("stage_to_place") - pl.col("stage_from_place")
    return named.with_columns(direction=step.sign().fill_null(0))


def _beside(found: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Add what the opportunity then was, where its changes are known; what it is now tells nothing."""
    import polars as pl

    for name, column in BESIDE.items():
        if transitions(tables, "opportunity", column).head(1).collect().height:
            found = as_of(found, tables, "opportunity", column).rename({column: name})
        else:
            found = found.with_columns(pl.lit(None, data_types()[CATALOG["opportunity"][column]]).alias(name))
    return found


def by_path(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take stages from the path of an instance: known is when it began and when it came to where it is.

    What is between is put there in even steps: its times are inferred.
    """
    import polars as pl

    steps = paths(tables).sort("instance", "place", maintain_order=True)
    steps = steps.with_columns(old=pl.col("stage").shift(1).over("instance")).rename({"stage": "new"})
    steps = _with_stage_names(steps.filter(pl.col("place") > 0), tables)
    last = pl.col("place") == pl.col("stages") - 1
    span = pl.col("activestagestartedon") - pl.col("createdon")
    share = pl.col("place") / (pl.col("stages") - 1)
    inferred = pl.col("createdon") + (span.dt.total_microseconds() * share).cast(pl.Int64).cast(
        pl.Duration("us")
    )
    return _told_stages(
        steps.filter(pl.col("opportunity").is_not_null()).select(
            "by", "stage_from", "stage_to",
            record_id="opportunity",
            row_id="instance",
            at=pl.when(last).then("activestagestartedon").otherwise(inferred),
            ts_quality=pl.when(last).then(pl.lit("field")).otherwise(pl.lit("inferred")),
            evidence="process_table",
        ),
        tables,
        mapping,
    )  # fmt: skip


def proposed_by_stage(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when a solution was proposed: when an opportunity came to a stage of such a name."""
    import polars as pl

    rules = [rule for rule in RULES if rule.activity == CHANGED]
    ladders = {activity: ids for activity, ids in mapping.ladders.items() if activity == CHANGED}
    changes = derived(rules, tables, replace(mapping, ladders=ladders)).lazy()
    changes = changes.drop("activity", "rule_id", "order_rank", "ts_precision")
    return changes.filter(one_of(pl.col("stage_to"), mapping.status("stage.solution_proposed")))


def proposed_by_mark(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Find when the marks that a proposal was presented were set."""
    import polars as pl

    found = pl.concat([transitions(tables, "opportunity", mark) for mark in PROPOSED])
    first = found.filter(pl.col("new")).sort("at", maintain_order=True)
    return told_change(first.unique(["record_id", "at"], keep="first", maintain_order=True), "opportunity")


def proposed_by_meeting(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the time that a meeting for the proposal was planned at."""
    return told(tables.table("opportunity"), "opportunity", at="scheduleproposalmeeting", by="ownerid")


_PROCESS = ("opportunitysalesprocess.activestageid", "audit_changes.attribute")

RULES: tuple[Rule, ...] = (
    Rule("D1", CHANGED, "audit", "audit", by_process("audit"), _PROCESS),
    Rule(
        "D2", CHANGED, "opportunitysalesprocess", "history",
        by_process("history"), ("opportunitysalesprocess.activestageid",),
    ),
    Rule(
        "D3", CHANGED, "audit", "audit", by_column,
        ("opportunity.salesstage", "audit_changes.attribute"),
    ),
    Rule(
        "D4", CHANGED, "opportunitysalesprocess", "inferred", by_path,
        ("opportunitysalesprocess.traversedpath", "opportunitysalesprocess.activestagestartedon"),
        default=False, verified=False,
    ),
    Rule(
        "D1", "solution_proposed", "audit", "audit", proposed_by_stage,
        ("opportunitysalesprocess.activestageid", "audit_changes.attribute"), verified=False,
    ),
    Rule(
        "D2", "solution_proposed", "audit", "audit", proposed_by_mark,
        ("opportunity.presentproposal", "audit_changes.attribute"), verified=False,
    ),
    Rule(
        "D3", "solution_proposed", "opportunity", "field", proposed_by_meeting,
        ("opportunity.scheduleproposalmeeting",), default=False, verified=False,
    ),
)  # fmt: skip
