"""Approvals of records, of the classic processes, of approval flows and of the package Advanced Approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, deleted
from dealtrace_engine.sources.salesforce.prefixes import with_kind

if TYPE_CHECKING:
    import polars as pl

TARGETS = ("opportunity", "quote", "contract", "order")
"""Kinds of records whose approvals belong to the sale."""
ENDS = {
    "approved": ("approved",),
    "rejected": ("rejected", "denied"),
    "recalled": ("removed", "recalled", "canceled", "cancelled"),
}
"""How an approval can end, with the statuses that say so."""
COLUMNS = ("record", "kind", "row", "what", "at", "by", "status", "partial", "discount", "source_object")
"""Of a step of an approval: its record and that one's kind, the evidence, requested or how it ended, when,
who, the status, whether further steps were to come, and whether the process is about a discount."""


def _ended(status: str) -> pl.Expr:
    """Return which of `ENDS` a status is, or null."""
    import polars as pl

    return pl.coalesce(
        pl.when(one_of(pl.col(status), names)).then(pl.lit(end)) for end, names in ENDS.items()
    )


def _of_sales(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Keep what is about a record of the sale that was not deleted."""
    import polars as pl

    rows = with_kind(rows, tables, "record").filter(pl.col("kind").is_in(list(TARGETS)))
    for name in ("Opportunity", "Quote", "SBQQ__Quote__c", "Contract", "Order"):
        rows = rows.join(deleted(tables, name), left_on="record", right_on="Id", how="anti")
    return rows


def processes(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the steps of the classic approval processes, columns as `COLUMNS`.

    The end of a process is the completion of its instance; approvals before are steps of several, partial.
    """
    import polars as pl

    names = mapping.status("approval.discount")
    about = one_of(pl.col("Name"), names).fill_null(False) | one_of(pl.col("DeveloperName"), names).fill_null(
        False
    )
    kinds = tables.table("ProcessDefinition").select(ProcessDefinitionId="Id", discount=about)
    runs = alive(tables, "ProcessInstance").rename({"TargetObjectId": "record"})
    runs = _of_sales(runs, tables).join(kinds, on="ProcessDefinitionId", how="left")
    runs = runs.with_columns(discount=pl.col("discount").fill_null(False), end=_ended("Status"))
    steps = tables.table("ProcessInstanceStep").with_columns(step_end=_ended("StepStatus"))
    steps = steps.filter(pl.col("step_end").is_not_null()).select(
        "ActorId", "StepStatus", "step_end", step="Id", Id="ProcessInstanceId", step_at="CreatedDate"
    )
    requested = _steps(runs, "requested", at="CreatedDate", by=pl.coalesce("SubmittedById", "CreatedById"),
                       row="Id", status=pl.lit(None, pl.String), source="ProcessInstance")  # fmt: skip
    told = runs.join(steps, on="Id", how="inner")
    last = told.filter(pl.col("step_end") == pl.col("end")).sort("step_at", "step")
    last = last.group_by("Id", maintain_order=True).last().select("Id", "ActorId", "step_at", last="step")
    done = runs.filter(pl.col("end").is_not_null()).join(last, on="Id", how="left")
    done = done.with_columns(
        at=pl.coalesce("CompletedDate", "step_at"), by=pl.coalesce("ActorId", "LastActorId")
    )
    ended = _steps(done, pl.col("end"), at="at", by=pl.col("by"), row="Id", status=pl.col("Status"),
                   source="ProcessInstance")  # fmt: skip
    before = told.join(last.select("last"), left_on="step", right_on="last", how="anti")
    before = before.filter(pl.col("step_end") == "approved")
    partly = _steps(before, "approved", at="step_at", by=pl.col("ActorId"), row="step",
                    status=pl.col("StepStatus"), source="ProcessInstanceStep", partial=True)  # fmt: skip
    return pl.concat([requested, partly, ended])


def _steps(
    rows: pl.LazyFrame, what: str | pl.Expr, *, at: str, by: pl.Expr, row: str, status: pl.Expr, source: str,
    partial: bool | None = None,
) -> pl.LazyFrame:  # fmt: skip
    import polars as pl

    return rows.select(
        "record", "kind", row=row, what=pl.lit(what) if isinstance(what, str) else what, at=at, by=by,
        status=status, partial=pl.lit(partial, pl.Boolean), discount="discount", source_object=pl.lit(source),
    ).select(COLUMNS)  # fmt: skip


def submissions(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the steps of approval flows: submitted, and the last review that settled it."""
    import polars as pl

    names = mapping.status("approval.discount")
    actions = tables.table("ApprovalSubmissionDetail").filter(one_of(pl.col("ActionName"), names))
    actions = actions.select(Id="ApprovalSubmissionId", by_action=pl.lit(True)).unique()
    runs = alive(tables, "ApprovalSubmission").rename({"RelatedRecordId": "record"})
    runs = _of_sales(runs, tables).join(actions, on="Id", how="left")
    by_name = one_of(pl.concat_str("Name", "Comments", separator=" ", ignore_nulls=True), names)
    runs = runs.with_columns(discount=by_name | pl.col("by_action").fill_null(False), end=_ended("Status"))
    requested = _steps(runs, "requested", at="CreatedDate", by=pl.coalesce("SubmittedById", "CreatedById"),
                       row="Id", status=pl.lit(None, pl.String), source="ApprovalSubmission")  # fmt: skip
    reviews = alive(tables, "ApprovalWorkItem").filter(pl.col("ReviewedDate").is_not_null())
    reviews = reviews.sort("ReviewedDate", "Id").select(
        review="Id", Id="ApprovalSubmissionId", at="ReviewedDate",
        by=pl.coalesce("ReviewedById", "AssignedToId"), end=_ended("Status"),
    )  # fmt: skip
    last = reviews.group_by("Id", "end", maintain_order=True).last()
    done = runs.filter(pl.col("end").is_not_null()).join(last, on=["Id", "end"], how="inner")
    ended = _steps(done, pl.col("end"), at="at", by=pl.col("by"), row="review", status=pl.col("Status"),
                   source="ApprovalWorkItem")  # fmt: skip
    return pl.concat([requested, ended])


def advanced(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the steps of the package Advanced Approvals, whose approvals are of CPQ quotes' prices."""
    import polars as pl

    record = pl.coalesce("SBQQ__Quote__c", "Quote__c", "Opportunity__c", "sbaa__TargetId__c")
    rows = _of_sales(alive(tables, "sbaa__Approval__c").with_columns(record=record), tables)
    rows = rows.with_columns(discount=pl.lit(True))
    source = "sbaa__Approval__c"
    none = pl.lit(None, pl.String)
    asked = rows.filter(~one_of(pl.col("sbaa__Status__c"), ["assigned", "not requested"]).fill_null(False))
    found = [_steps(asked, "requested", at="CreatedDate", by=pl.col("CreatedById"), row="Id", status=none,
                    source=source)]  # fmt: skip
    ends = {
        "approved": ("sbaa__ApprovedDate__c", "sbaa__ApprovedBy__c"),
        "rejected": ("sbaa__RejectedDate__c", "sbaa__RejectedBy__c"),
        "recalled": ("sbaa__RecalledDate__c", None),
    }
    for end, (at, by) in ends.items():
        actor = pl.col(by) if by else none
        found.append(
            _steps(rows, end, at=at, by=actor, row="Id", status=pl.col("sbaa__Status__c"), source=source)
        )
    return pl.concat(found)
