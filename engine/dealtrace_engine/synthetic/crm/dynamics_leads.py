"""The lead table: leads are worked, qualified (which makes their opportunity), disqualified or merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_codes import option_of
from dealtrace_engine.synthetic.crm.dynamics_directory import Directory, coded, of_changes
from dealtrace_engine.synthetic.crm.dynamics_guids import below
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

WARM, HOT = 2, 1
LOST_REASONS = (4, 5, 6)
"""Status reasons of disqualified leads, but for 7, which merging gives."""


def lead_history(directory: Directory) -> History:
    """Return the leads.

    Who marks a lead as qualified makes it a hot one; only its conversion qualifies it for Dynamics.
    """
    import polars as pl

    leads = directory.facts["leads"].rename({"lead": "key"})
    reason = below("lead/reason", leads.get_column("key"), directory.seed, len(LOST_REASONS))
    leads = leads.with_columns(
        reason.replace_strict(dict(enumerate(LOST_REASONS)), return_dtype=pl.Int32).alias("reason"),
        directory.guids("lead", leads.get_column("merged_into")).alias("master"),
        directory.guids("opportunity", leads.get_column("opportunity")).alias("deal"),
        directory.guids("account", leads.get_column("account")).alias("customer"),
        directory.user(leads.get_column("owner")).alias("last_owner"),
        directory.user(
            leads.select(pl.coalesce("qualified_by", "disqualified_by", "owner")).to_series()
        ).alias("first_owner"),
    )
    return history("lead", "leadid", _records(leads), _events(directory, leads), directory, _derived())


def _records(leads: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    label = {"Website": "Website", "Referral": "Referral", "Trade Fair": "Trade Fair", "Partner": "Partner"}
    sources = option_of("lead", "leadsourcecode")
    assert label.keys() <= sources.keys()
    return leads.select(
        "key",
        pl.col("captured").alias("createdon"),
        pl.col("captured_by").alias("createdby"),
        pl.col("name").alias("fullname"),
        pl.col("first_name").alias("firstname"),
        pl.col("last_name").alias("lastname"),
        pl.col("company").alias("companyname"),
        pl.concat_str(pl.lit("Interest of "), "company").alias("subject"),
        coded("source", sources).alias("leadsourcecode"),
        coded("industry", option_of("lead", "industrycode")).alias("industrycode"),
        pl.col("country").alias("address1_country"),
        pl.lit(None, pl.String).alias("processid"),
        pl.lit(None, pl.String).alias("stageid"),
        pl.lit(None, pl.String).alias("traversedpath"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(1, pl.Int32).alias("statuscode"),
        pl.lit(WARM, pl.Int32).alias("leadqualitycode"),
        pl.col("first_owner").alias("ownerid"),
        pl.lit("").alias("_master"),
        pl.lit("").alias("_deal"),
        pl.lit("").alias("_customer"),
    )


def _events(directory: Directory, leads: pl.DataFrame) -> list[pl.DataFrame]:
    import polars as pl

    worked = of_changes(directory.facts, "lead", "status").filter(pl.col("new") == "Working")
    return [
        at_change(worked, "at", "by", 0, statuscode=2),
        at_change(leads, "qualified", "qualified_by", 1, statuscode=2, leadqualitycode=HOT),
        at_change(leads, "disqualified", "disqualified_by", 2, statecode=2, statuscode=pl.col("reason")),
        at_change(
            leads, "converted", "converted_by", 3, statecode=1, statuscode=3, ownerid=pl.col("last_owner"),
            _deal=pl.col("deal"), _customer=pl.col("customer"),
        ),
        at_change(leads, "merged", "owner", 4, statecode=2, statuscode=7, _master=pl.col("master")),
    ]  # fmt: skip


def _derived() -> list[pl.Expr]:
    import polars as pl

    def pointer(helper: str, name: str) -> pl.Expr:
        return pl.when(pl.col(helper) != "").then(pl.col(helper)).alias(name)

    return [
        pointer("_master", "masterid"),
        (pl.col("_master") != "").alias("merged"),
        pointer("_deal", "qualifyingopportunityid"),
        pointer("_customer", "parentaccountid"),
    ]
