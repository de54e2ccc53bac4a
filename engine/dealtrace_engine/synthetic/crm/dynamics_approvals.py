"""Approvals of discounts, as Power Automate keeps them: the approval, the request to a user, the response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_directory import UNSET, Directory, where_set
from dealtrace_engine.synthetic.crm.dynamics_history import History, at_change, history

if TYPE_CHECKING:
    import polars as pl

ADDRESS = "https://contoso.crm4.dynamics.com/main.aspx"
RESULTS = {"Approved": "Approve", "Rejected": "Reject", "Recalled": "Canceled"}
DISCOUNT_PROCESS = "Discount Approval"
APPROVALS = ("msdyn_flow_approval", "msdyn_flow_approvalrequest", "msdyn_flow_approvalresponse")


def approval_histories(directory: Directory) -> dict[str, History]:
    """Return the three tables. Contracts have no table here, and so no approvals."""
    return {
        table: make(directory)
        for table, make in zip(APPROVALS, (_approvals, _requests, _responses), strict=True)
    }


def _discounts(directory: Directory) -> pl.DataFrame:
    import polars as pl

    found = directory.facts["approvals"].filter(pl.col("process") == DISCOUNT_PROCESS)
    quotes, deals = (directory.guids(table, found.get_column("record")) for table in ("quote", "opportunity"))
    return found.rename({"approval": "key"}).with_columns(
        pl.when(pl.col("object") == "quote").then(quotes).otherwise(deals).alias("target")
    )


def _approvals(directory: Directory) -> History:
    import polars as pl

    found = _discounts(directory)
    title = pl.concat_str("process", pl.lit(" of "), "object")
    link = pl.concat_str(pl.lit(f"{ADDRESS}?etn="), "object", pl.lit("&pagetype=entityrecord&id="), "target")
    records = found.select(
        "key",
        pl.col("requested").alias("createdon"),
        pl.col("requested_by").alias("createdby"),
        directory.user(found.get_column("requested_by")).alias("ownerid"),
        title.alias("msdyn_flow_approval_name"),
        title.alias("msdyn_flow_approval_title"),
        pl.lit("The discount is above the limit.").alias("msdyn_flow_approval_details"),
        link.alias("msdyn_flow_approval_itemlink"),
        pl.col("object").alias("msdyn_flow_approval_itemlinkdescription"),
        pl.lit(0, pl.Int32).alias("msdyn_flow_approval_stage"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(1, pl.Int32).alias("statuscode"),
        pl.lit("").alias("_result"),
        pl.lit(UNSET, pl.Datetime("us", "UTC")).alias("_decided"),
    )
    decided = at_change(
        found, "decided", "decided_by", 0, statecode=1, statuscode=2, _decided=pl.col("decided"),
        _result=pl.col("decision").replace_strict(RESULTS, return_dtype=pl.String),
    )  # fmt: skip
    derived = [
        pl.when(pl.col("_result") != "").then("_result").alias("msdyn_flow_approval_result"),
        where_set("_decided", pl.col("_decided")).alias("msdyn_flow_approval_completedon"),
    ]
    return history(APPROVALS[0], f"{APPROVALS[0]}id", records, [decided], directory, derived)


def _requests(directory: Directory) -> History:
    """Return the requests, each owned by who is to decide."""
    import polars as pl

    found = directory.pointing(_discounts(directory), approval=(APPROVALS[0], "key"))
    records = found.select(
        "key",
        pl.col("requested").alias("createdon"),
        pl.col("requested_by").alias("createdby"),
        directory.user(found.get_column("approver")).alias("ownerid"),
        pl.col("process").alias("msdyn_flow_approvalrequest_name"),
        pl.col("approval").alias("msdyn_flow_approvalrequest_approval"),
        pl.lit("Approve;Reject").alias("msdyn_flow_approvalrequest_responseoptions"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(1, pl.Int32).alias("statuscode"),
    )
    done = at_change(found, "decided", "decided_by", 0, statecode=1, statuscode=2)
    return history(APPROVALS[1], f"{APPROVALS[1]}id", records, [done], directory)


def _responses(directory: Directory) -> History:
    """Return the responses; a recalled approval has none."""
    import polars as pl

    found = directory.pointing(_discounts(directory), approval=(APPROVALS[0], "key"))
    found = found.filter(pl.col("decision").is_in(["Approved", "Rejected"]))
    records = found.select(
        "key",
        pl.col("decided").alias("createdon"),
        pl.col("decided_by").alias("createdby"),
        directory.user(found.get_column("decided_by")).alias("ownerid"),
        pl.col("process").alias("msdyn_flow_approvalresponse_name"),
        pl.col("approval").alias("msdyn_flow_approvalresponse_approval"),
        pl.col("decision")
        .replace_strict(RESULTS, return_dtype=pl.String)
        .alias("msdyn_flow_approvalresponse_response"),
        pl.lit(None, pl.String).alias("msdyn_flow_approvalresponse_comments"),
        pl.lit(0, pl.Int32).alias("statecode"),
        pl.lit(1, pl.Int32).alias("statuscode"),
    )
    return history(APPROVALS[2], f"{APPROVALS[2]}id", records, [], directory)
