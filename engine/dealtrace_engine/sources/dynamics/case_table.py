"""The case table of opportunities: who owns each, for whom it is, how much it is worth, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.case_facts import (
    corporate,
    with_accounts,
    with_counts,
    with_currency,
    with_custom_fields,
    with_history,
    with_owners,
)
from dealtrace_engine.sources.dynamics.case_products import product_categories, with_product_fields
from dealtrace_engine.sources.dynamics.case_records import case_records
from dealtrace_engine.sources.dynamics.codes import with_labels
from dealtrace_engine.sources.dynamics.main_quotes import ranked_quotes
from dealtrace_engine.sources.dynamics.objects import KEYS
from dealtrace_engine.sources.dynamics.relations import TABLES, parents
from dealtrace_engine.sources.dynamics.rules_opportunities import (
    LOST,
    OPEN,
    WON,
    closings,
    last_closings,
    reopen_counts,
)
from dealtrace_engine.sources.dynamics.stages import PROCESSES, SALES_STAGES, renamed, stage_names

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

OUTCOMES = {OPEN: "Open", WON: "Won", LOST: "Lost"}
COLUMNS = (
    "case_id", "owner", "owner_role", "team", "department", "account", "industry", "segment", "region",
    "country", "lead_source", "product_category", "type", "record_type", "amount", "currency",
    "amount_corporate", "discount_pct", "contract_terms", "payment_terms", "loss_reason", "competitor",
    "outcome", "is_won", "stage", "created", "closed", "close_date", "is_deleted", "is_migrated",
    "has_history", "quote_count", "order_count", "invoice_count", "reopen_count",
)  # fmt: skip
"""Of every case; the fields that a mapping names come after them."""
NEVER_KNOWN = ("type", "record_type", "contract_terms")
"""What Dynamics 365 Sales has no column for; a mapping can name one."""


def case_table(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Return one row per record of the kind that is the case.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping

    Returns
    -------
    DataFrame
        `COLUMNS`, and the custom fields of the mapping; null where the export has nothing.
    """
    import polars as pl

    rows = (
        _opportunities(tables, mapping) if mapping.leading == "opportunity" else case_records(tables, mapping)
    )
    keys = {"account": "account_id", "systemuser": "ownerid", "lead": "lead_id"}
    known = rows.collect_schema().names()
    keys = {table: key for table, key in keys.items() if key in known}
    rows = with_custom_fields(rows, tables, mapping, {**keys, _table(mapping): "case_id"})
    if mapping.leading == "opportunity":
        rows = with_product_fields(rows, tables, mapping)
    known = rows.collect_schema().names()
    custom = [name for name in mapping.fields.values() if name in known and name not in COLUMNS]
    texts = {name: pl.lit(None, pl.String).alias(name) for name in COLUMNS if name not in known}
    chosen = [texts.get(name, pl.col(name)) for name in (*COLUMNS, *dict.fromkeys(custom))]
    return rows.select(chosen).unique("case_id", keep="first", maintain_order=True).collect()


def _table(mapping: CrmMapping) -> str:
    return {"order": "salesorder"}.get(mapping.leading, mapping.leading)


def _opportunities(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    rows = tables.table("opportunity").filter(pl.col("opportunityid").is_not_null())
    rows = rows.with_columns(case_id="opportunityid", created="createdon", close_date="estimatedclosedate")
    rows = with_accounts(with_owners(rows, tables), tables, "parentaccountid", "customerid")
    rows = _with_money(with_currency(rows, tables))
    rows = _with_outcome(with_labels(rows, tables, "opportunity", "statuscode"), tables, mapping)
    for facts in (_leads(tables, mapping), _quotes(tables, mapping), _terms(tables, mapping, "order"),
                  _terms(tables, mapping, "invoice"),
                  product_categories(tables), _stages(tables, mapping)):  # fmt: skip
        rows = rows.join(facts, on="case_id", how="left", maintain_order="left")
    rows = with_history(rows, tables, "opportunity", mapping.migrated_share)
    rows = with_counts(rows, tables, mapping)
    reopened = reopen_counts(tables).rename({"record_id": "case_id"})
    rows = rows.join(reopened, on="case_id", how="left", maintain_order="left")
    return rows.with_columns(
        reopen_count=pl.col("reopen_count").fill_null(0),
        discount_pct=pl.coalesce("discountpercentage", "quote_discount"),
        payment_terms=pl.coalesce("order_terms", "quote_terms", "invoice_terms"),
    )


def _with_money(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Add the amount: what was earned of one that was won, else what was expected."""
    import polars as pl

    won = pl.col("statecode") == WON
    expected = pl.coalesce("estimatedvalue", "totalamount")
    expected_base = pl.coalesce(
        corporate("estimatedvalue", "estimatedvalue_base"), corporate("totalamount", "totalamount_base")
    )
    return rows.with_columns(
        amount=pl.when(won & pl.col("actualvalue").is_not_null()).then("actualvalue").otherwise(expected),
        amount_corporate=pl.when(won & pl.col("actualvalue").is_not_null())
        .then(corporate("actualvalue", "actualvalue_base"))
        .otherwise(expected_base),
    )


def _with_outcome(rows: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Add outcome, is_won, closed, loss_reason and competitor."""
    import polars as pl

    state = pl.col("statecode")
    last = closings(tables).group_by("record_id").agg(
        pl.col("at").last(), pl.col("competitorid").last()
    ).rename({"record_id": "case_id"})  # fmt: skip
    names = tables.table("competitor").select(competitorid="competitorid", competitor="name")
    changed_at = last_closings(tables).rename({"record_id": "case_id"})
    rows = rows.join(last, on="case_id", how="left", maintain_order="left")
    rows = rows.join(names.unique("competitorid"), on="competitorid", how="left", maintain_order="left")
    rows = rows.join(changed_at, on="case_id", how="left", maintain_order="left")
    day = pl.col("actualclosedate").cast(pl.Datetime("us"))
    day = day.dt.replace_time_zone(mapping.zone, ambiguous="earliest", non_existent="null")
    return rows.with_columns(
        outcome=state.replace_strict(
            {float(code): name for code, name in OUTCOMES.items()}, default=None, return_dtype=pl.String
        ),
        is_won=state == WON,
        closed=pl.when(state != OPEN).then(pl.coalesce("at", "changed_at", day.dt.convert_time_zone("UTC"))),
        loss_reason=pl.when(state == LOST).then("statuscodename"),
    )


def _leads(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the source of the first lead that each opportunity came of."""
    rows = with_labels(tables.table("lead"), tables, "lead", "leadsourcecode")
    sources = rows.select("createdon", parent_id="leadid", lead_source="leadsourcecodename")
    joined = parents(tables, mapping, "opportunity", "lead").join(sources, on="parent_id")
    first = joined.sort("createdon", "parent_id").unique("record_id", keep="first", maintain_order=True)
    return first.select("lead_source", case_id="record_id", lead_id="parent_id")


def _quotes(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the discount and the payment terms of the main quote."""
    import polars as pl

    rows = with_labels(tables.table("quote"), tables, "quote", "paymenttermscode")
    said = rows.select(
        record_id="quoteid", quote_discount="discountpercentage", quote_terms="paymenttermscodename"
    )
    main = ranked_quotes(tables, mapping).filter(pl.col("is_main"))
    return main.join(said, on="record_id").select("quote_discount", "quote_terms", case_id="opportunityid")


def _terms(tables: CrmTables, mapping: CrmMapping, what: str) -> pl.LazyFrame:
    """Return the payment terms of the last order or invoice."""
    import polars as pl

    table, terms = TABLES[what], f"{what}_terms"
    rows = with_labels(tables.table(table), tables, table, "paymenttermscode")
    said = rows.select("createdon", pl.col("paymenttermscodename").alias(terms), record_id=KEYS[table])
    joined = parents(tables, mapping, what, "opportunity").join(said, on="record_id")
    kept = joined.filter(pl.col(terms).is_not_null()).sort("createdon", "record_id")
    last = kept.unique("parent_id", keep="last", maintain_order=True)
    return last.select(terms, case_id="parent_id")


def _stages(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the stage that each opportunity is in: of the process changed last, else its own column."""
    import polars as pl

    instances = pl.concat([
        tables.table(table).select(
            "modifiedon", case_id=pl.coalesce("opportunityid", "bpf_opportunityid"), stage="activestageid"
        )
        for table in PROCESSES
    ]).drop_nulls(["case_id", "stage"])  # fmt: skip
    active = instances.sort("modifiedon", nulls_last=False).unique(
        "case_id", keep="last", maintain_order=True
    )
    active = active.join(stage_names(tables), on="stage", how="left").select("case_id", active="name")
    rows = with_labels(tables.table("opportunity"), tables, "opportunity", *SALES_STAGES)
    rows = rows.join(active, left_on="opportunityid", right_on="case_id", how="left", maintain_order="left")
    labels = [f"{name}name" for name in SALES_STAGES]
    named = rows.select(
        case_id="opportunityid", stage=pl.coalesce("active", labels[0], "stepname", labels[1])
    )
    return named.with_columns(renamed("stage", mapping).alias("stage"))
