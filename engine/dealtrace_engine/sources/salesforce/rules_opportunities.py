"""Rules on opportunities: created, through their stages, won, lost, reopened; owner, amount, close date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, creations, happened, having, midnight
from dealtrace_engine.sources.salesforce.outcomes import outcomes
from dealtrace_engine.sources.salesforce.stage_changes import (
    AT_ONCE_SECONDS,
    CHANGE,
    FIELDS,
    INITIAL,
    SNAPSHOTS,
    UNKNOWN,
    snapshots,
    stage_changes,
)
from dealtrace_engine.sources.salesforce.stages import stage_table
from dealtrace_engine.sources.salesforce.transitions import (
    as_events,
    changes,
    lookup_changes,
    status_changes,
)

if TYPE_CHECKING:
    import polars as pl

SOURCES = {"SF1": SNAPSHOTS, "SF1F": FIELDS}
"""Rules on the history of stages: on snapshots, which are complete, before the history of the field."""
CREATED_FROM_LEAD = "opportunityCreatedFromLead"
OWNER_FIELDS = ("Owner", "OwnerId", "ownerAssignment", "ownerAccepted")


def created(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the creation of opportunities, with the stage that they began in."""
    import polars as pl

    began = stage_changes(tables, mapping, SNAPSHOTS).filter(pl.col("how") == INITIAL)
    began = began.select("record_id", stage_to="to", amount="amount", probability="probability")
    events = creations(tables, "Opportunity", "opportunity", currency=pl.col("CurrencyIsoCode"))
    return events.join(began.unique("record_id"), on="record_id", how="left", maintain_order="left")


def created_by_history(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the creation of opportunities as the history of their fields marks it."""
    import polars as pl

    rows = changes(tables, "Opportunity", "created", CREATED_FROM_LEAD).sort("at", "source_row")
    rows = rows.group_by("record_id", maintain_order=True).first()
    return as_events(rows, "opportunity", status_from=pl.lit(None), status_to=pl.lit(None))


def _stage_events(rows: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    return as_events(
        rows, "opportunity", status_from=pl.lit(None), status_to=pl.lit(None), stage_from=pl.col("from"),
        stage_to=pl.col("to"), direction=pl.col("direction"), probability=pl.col("probability"),
        amount=pl.col("amount"), currency=pl.col("currency"), close_date=pl.col("close_date"),
    )  # fmt: skip


def moved(source: str) -> Finder:
    """Return the finder of stage changes in one of the histories."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        return _stage_events(stage_changes(tables, mapping, source).filter(pl.col("how") == CHANGE))

    return find


def last_moved(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the change into the present stage, of which only the instant is known."""
    import polars as pl

    late = pl.col("LastStageChangeDate") > pl.col("CreatedDate") + pl.duration(seconds=AT_ONCE_SECONDS)
    return alive(tables, "Opportunity").filter(late).select(
        fact="Id", object=pl.lit("opportunity"), record_id="Id", timestamp="LastStageChangeDate",
        source_row_id="Id", stage_to="StageName", amount="Amount", currency="CurrencyIsoCode",
        close_date="CloseDate", probability="Probability",
    )  # fmt: skip


def closed(source: str, won: bool, by_name: bool) -> Finder:
    """Return the finder of changes into a closed stage.

    Parameters
    ----------
    source : {"OpportunityHistory", "OpportunityFieldHistory"}
    won : bool
        Into a won one, else into a lost one.
    by_name : bool
        Only stages that are known by their names alone, else only all others.
    """

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = stage_changes(tables, mapping, source)
        named = pl.col("named").fill_null(False)
        into = pl.col("to_closed") & (pl.col("to_won") == won)
        already = (pl.col("from_closed") & (pl.col("from_won") == won)).fill_null(False)
        first = ((pl.col("how") == INITIAL) & ~pl.col("backdated").fill_null(False)) | (
            (pl.col("how") == UNKNOWN) & pl.col("last_change").is_null()
        )
        told = ((pl.col("how") == CHANGE) & ~already) | first
        return _stage_events(rows.filter(into & told & (named == by_name)))

    return find


def reopened(source: str, by_name: bool) -> Finder:
    """Return the finder of changes out of a closed stage into one that is not.

    Parameters
    ----------
    source : {"OpportunityHistory", "OpportunityFieldHistory"}
    by_name : bool
        Only where one of the stages is known by its name alone, or not at all; else only all others.
    """

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = stage_changes(tables, mapping, source).filter(pl.col("how") == CHANGE)
        named = pl.col("named").fill_null(True)
        out = pl.col("from_closed") & ~pl.col("to_closed").fill_null(False)
        return _stage_events(rows.filter(out & (named == by_name)))

    return find


def _closed_now(tables: CrmTables, mapping: CrmMapping, won: bool) -> pl.LazyFrame:
    import polars as pl

    rows = outcomes(tables, mapping).filter(pl.col("is_closed") & (pl.col("is_won") == won))
    return alive(tables, "Opportunity").join(rows, left_on="Id", right_on="record_id", how="inner")


def _closing(rows: pl.LazyFrame, at: pl.Expr, **more: pl.Expr) -> pl.LazyFrame:
    import polars as pl

    return rows.select(
        fact="Id", object=pl.lit("opportunity"), record_id="Id", timestamp=at, source_row_id="Id",
        stage_to="StageName", amount="Amount", currency="CurrencyIsoCode", close_date="CloseDate", **more,
    )  # fmt: skip


def closed_last(won: bool) -> Finder:
    """Return the finder of the last change of the stage of opportunities that are closed now."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        at_once = pl.col("LastStageChangeDate") <= pl.col("CreatedDate") + pl.duration(
            seconds=AT_ONCE_SECONDS
        )
        day = pl.col("CreatedDate").dt.convert_time_zone(mapping.zone).dt.date()
        recorded_later = (at_once & (pl.col("CloseDate") < day)).fill_null(False)
        rows = _closed_now(tables, mapping, won).filter(~recorded_later)
        return _closing(rows, pl.col("LastStageChangeDate"))

    return find


def closed_on(won: bool) -> Finder:
    """Return the finder of the close dates of opportunities that are closed now."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = _closed_now(tables, mapping, won)
        rows = happened(tables, rows, "CloseDate", mapping.zone, "Opportunity.CloseDate")
        return _closing(rows, midnight("CloseDate"), ts_precision=pl.lit("date"))

    return find


def proposed(source: str) -> Finder:
    """Return the finder of changes into a stage in which a solution is proposed."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = stage_changes(tables, mapping, source).filter(pl.col("how") == CHANGE)
        return _stage_events(rows.filter(pl.col("to").is_in(proposal_stages(tables, mapping))))

    return find


def proposal_stages(tables: CrmTables, mapping: CrmMapping) -> list[str]:
    """Return the stages in which a solution is proposed, by their names."""
    stages = stage_table(tables, mapping)
    return having(stages, "stage", mapping.status("stage.solution_proposed"))


def proposed_by_quote(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return quotes that were presented, where no stage is about proposing."""
    import polars as pl

    events = status_changes(tables, mapping, "Quote", "quote", "quote.issued")
    return events.filter(pl.lit(not proposal_stages(tables, mapping)))


def owner_changed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return changes of the owner, one of the two rows that each writes."""
    import polars as pl

    rows = lookup_changes(tables, "Opportunity", *OWNER_FIELDS)
    rows = rows.filter(pl.col("from").is_not_null() | pl.col("from_id").is_not_null())
    before, after = pl.coalesce("from", "from_id"), pl.coalesce("to", "to_id")
    return as_events(rows, "opportunity", status_from=before, status_to=after)


def amount_changed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return changes of the amount between snapshots."""
    import polars as pl

    before, after = pl.col("amount_before"), pl.col("Amount")
    known = before.is_not_null() | ~pl.col("first")
    rows = snapshots(tables).filter(known & after.ne_missing(before))
    return _snapshot_events(rows, amount=after, amount_delta=after - before)


def close_date_pushed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return changes of the close date to a later one between snapshots."""
    import polars as pl

    rows = snapshots(tables).filter(pl.col("CloseDate") > pl.col("close_before"))
    return _snapshot_events(rows, amount=pl.col("Amount"))


def _snapshot_events(rows: pl.LazyFrame, **more: pl.Expr) -> pl.LazyFrame:
    import polars as pl

    return rows.select(
        fact="OpportunityId", object=pl.lit("opportunity"), record_id="OpportunityId",
        timestamp="CreatedDate", resource_id="CreatedById", resource_name="CreatedBy.Name",
        source_row_id="Id", probability="Probability", currency="CurrencyIsoCode", close_date="CloseDate",
        **more,
    )  # fmt: skip


def amount_field_changed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return changes of the amount in the history of the field."""
    import polars as pl

    before, after = (pl.col(side).cast(pl.Float64, strict=False) for side in ("from", "to"))
    rows = changes(tables, "Opportunity", "Amount")
    return as_events(rows, "opportunity", status_from=pl.lit(None), status_to=pl.lit(None), amount=after,
                     amount_delta=after - before)  # fmt: skip


def close_date_field_pushed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return changes of the close date to a later one in the history of the field."""
    import polars as pl

    before, after = (pl.col(side).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
                     for side in ("from", "to"))  # fmt: skip
    rows = changes(tables, "Opportunity", "CloseDate").filter(after > before)
    return as_events(rows, "opportunity", status_from=pl.lit(None), status_to=pl.lit(None), close_date=after)


def _history_needs(source: str, column: str = "StageName") -> tuple[str, ...]:
    return (f"{source}.{column}",) if source == SNAPSHOTS else (f"{source}.NewValue",)


def _stage_rules() -> list[Rule]:
    activity = "opportunity_stage_changed"
    rules = [
        Rule(place, activity, source, "history", moved(source), _history_needs(source))
        for place, source in {"SF1": SNAPSHOTS, "SF2": FIELDS}.items()
    ]
    last = ("Opportunity.LastStageChangeDate",)
    rules.append(Rule("SF3", activity, "Opportunity", "field", last_moved, last))
    for place, source in SOURCES.items():
        rules.append(Rule(place, "solution_proposed", source, "history", proposed(source),
                          _history_needs(source), verified=False))  # fmt: skip
    rules.append(Rule("SF2", "solution_proposed", "QuoteHistory", "history", proposed_by_quote,
                      ("QuoteHistory.NewValue",), verified=False))  # fmt: skip
    return rules + [
        Rule(f"{place}{'N' if by_name else ''}", "opportunity_reopened", source, "history",
             reopened(source, by_name), _history_needs(source), verified=not by_name)
        for by_name in (False, True)
        for place, source in SOURCES.items()
    ]  # fmt: skip


def _closing_rules(activity: str, won: bool) -> list[Rule]:
    """Return the ladder of a closing; rules on stages known by their names alone end in N."""
    rules = [
        Rule(f"{place}{'N' if by_name else ''}", activity, source, "history", closed(source, won, by_name),
             _history_needs(source), verified=not by_name)
        for by_name in (False, True)
        for place, source in SOURCES.items()
    ]  # fmt: skip
    return [
        *rules,
        Rule("SF2", activity, "Opportunity", "field", closed_last(won), ("Opportunity.LastStageChangeDate",)),
        Rule("SF3", activity, "Opportunity", "field", closed_on(won), ("Opportunity.CloseDate",)),
    ]


def _side_rules() -> list[Rule]:
    changed = (
        ("amount_changed", "Amount", amount_changed, amount_field_changed),
        ("close_date_pushed", "CloseDate", close_date_pushed, close_date_field_pushed),
    )
    rules = [Rule("SF1", "owner_changed", FIELDS, "history", owner_changed, (f"{FIELDS}.NewValue",))]
    for activity, column, by_snapshot, by_field in changed:
        needs = _history_needs(SNAPSHOTS, column)
        rules.append(Rule("SF1", activity, SNAPSHOTS, "history", by_snapshot, needs))
        rules.append(Rule("SF2", activity, FIELDS, "history", by_field, _history_needs(FIELDS)))
    return rules


RULES = (
    Rule("SF1", "opportunity_created", "Opportunity", "created", created, ("Opportunity.CreatedDate",)),
    Rule("SF2", "opportunity_created", FIELDS, "history", created_by_history, (f"{FIELDS}.Field",)),
    *_stage_rules(),
    *_closing_rules("opportunity_won", True),
    *_closing_rules("opportunity_lost", False),
    *_side_rules(),
)
