"""The Salesforce tables of approvals: classic approval processes, later flow approvals for contracts."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.approvals import PROCESSES
from dealtrace_engine.synthetic.crm.salesforce_rows import audited, constant, laid_out, latest, looked_up

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg

_CLASSIC = {"Approved": "Approved", "Rejected": "Rejected", "Recalled": "Removed"}
_OBJECTS = {"quote": "Quote", "opportunity": "Opportunity", "contract": "Contract"}
_SECONDS = {"Days": 86_400, "Hours": 3600, "Minutes": 60}


def approval_tables(org: SalesforceOrg) -> dict[str, pl.DataFrame]:
    """Return the tables by the name of their object."""
    import polars as pl

    approvals = org.facts["approvals"]
    approvals = approvals.with_columns(target=_targets(org, approvals))
    since = datetime.combine(org.setup.flow_approvals_since, time(), UTC)
    by_flow = (pl.col("requested") >= since) & (pl.col("process") == PROCESSES[1])
    classic, flow = approvals.filter(~by_flow), approvals.filter(by_flow)
    return {
        "ProcessDefinition": _definitions(org),
        "ProcessInstance": _instances(org, classic),
        "ProcessInstanceStep": _steps(org, classic),
        "ProcessInstanceWorkitem": _work_items(org, classic),
        "ApprovalSubmission": _submissions(org, flow),
        "ApprovalWorkItem": _flow_work_items(org, flow),
    }


def _targets(org: SalesforceOrg, approvals: pl.DataFrame) -> pl.Series:
    """Return the id of the record that each request is about."""
    import polars as pl

    ids = []
    for object_name, name in _OBJECTS.items():
        record = approvals.select(pl.when(pl.col("object") == object_name).then("record")).to_series()
        key = looked_up(record, org.facts["quotes"], "quote", "root") if object_name == "quote" else record
        ids.append(org.ids.of(name, key))
    return pl.select(pl.coalesce(*ids)).to_series()


def _definitions(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    key = pl.int_range(1, len(PROCESSES) + 1, dtype=pl.Int64, eager=True)
    by = constant(company.SYSTEM_USER, len(key)).cast(pl.Int64)
    created = constant(org.facts["accounts"]["created"].min(), len(key))
    return laid_out(
        {
            "Id": org.ids.of("ProcessDefinition", key),
            "Name": list(PROCESSES),
            "DeveloperName": [name.replace(" ", "_") for name in PROCESSES],
            "Type": constant("Approval", len(key)),
            "TableEnumOrId": ["Quote", "Contract"],
            "State": constant("Active", len(key)),
            **audited(org, key, created, by, created),
        }
    ).drop("IsDeleted")


def _instances(org: SalesforceOrg, classic: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    process = (classic["process"] == PROCESSES[1]).cast(pl.Int64) + 1
    seconds = (classic["decided"] - classic["requested"]).dt.total_seconds()
    return laid_out(
        {
            "Id": org.ids.of("ProcessInstance", classic["approval"]),
            "ProcessDefinitionId": org.ids.of("ProcessDefinition", process),
            "TargetObjectId": classic["target"],
            "Status": classic["decision"].replace_strict(_CLASSIC, default="Pending"),
            "SubmittedById": org.users(classic["requested_by"]),
            "CompletedDate": classic["decided"],
            "LastActorId": org.users(classic["decided_by"]),
            **{f"ElapsedTimeIn{unit}": seconds // size for unit, size in _SECONDS.items()},
            **audited(
                org, classic["approval"], classic["requested"], classic["requested_by"], classic["decided"]
            ),
        }
    )


def _steps(org: SalesforceOrg, classic: pl.DataFrame) -> pl.DataFrame:
    """Return a step for the request and one for the decision, as Salesforce writes them."""
    import polars as pl

    started = classic.select(
        "approval", status=pl.lit("Started"), at="requested", actor="requested_by", original="requested_by"
    )
    decided = classic.filter(pl.col("decision").is_not_null()).select(
        "approval", status=pl.col("decision").replace_strict(_CLASSIC), at="decided", actor="decided_by",
        original=pl.when(pl.col("decision") == "Recalled").then("decided_by").otherwise("original_approver"),
    )  # fmt: skip
    steps = pl.concat([started, decided]).sort("at", "approval", maintain_order=True)
    return laid_out(
        {
            "Id": org.ids.numbered("ProcessInstanceStep", len(steps)),
            "ProcessInstanceId": org.ids.of("ProcessInstance", steps["approval"]),
            "StepStatus": steps["status"],
            "OriginalActorId": org.users(steps["original"]),
            "ActorId": org.users(steps["actor"]),
            "Comments": constant(None, len(steps)).cast(pl.String),
            "CreatedDate": steps["at"],
            "CreatedById": org.users(steps["actor"]),
            "SystemModstamp": steps["at"],
        }
    )


def _work_items(org: SalesforceOrg, classic: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    pending = classic.filter(pl.col("decision").is_null())
    return laid_out(
        {
            "Id": org.ids.of("ProcessInstanceWorkitem", pending["approval"]),
            "ProcessInstanceId": org.ids.of("ProcessInstance", pending["approval"]),
            "OriginalActorId": org.users(pending["original_approver"]),
            "ActorId": org.users(pending["approver"]),
            "IsDeleted": constant(False, len(pending)),
            "CreatedDate": pending["requested"],
            "CreatedById": org.users(pending["requested_by"]),
            "SystemModstamp": pending["requested"],
        }
    )


def _submissions(org: SalesforceOrg, flow: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return laid_out(
        {
            "Id": org.ids.of("ApprovalSubmission", flow["approval"]),
            "Name": flow.select(pl.format("AS-{}", "approval")).to_series(),
            "RelatedRecordId": flow["target"],
            "RelatedRecordObjectName": flow["object"].replace_strict(_OBJECTS),
            "Status": flow["decision"].fill_null("InProgress"),
            "SubmittedById": org.users(flow["requested_by"]),
            "Comments": flow["process"],
            **audited(org, flow["approval"], flow["requested"], flow["requested_by"], flow["decided"]),
        }
    )


def _flow_work_items(org: SalesforceOrg, flow: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    recalled = (flow["decision"] == "Recalled").fill_null(False)
    reviewed = flow.select(pl.when(~pl.lit(recalled)).then("decided")).to_series()
    reviewer = flow.select(pl.when(~pl.lit(recalled)).then("decided_by")).to_series()
    return laid_out(
        {
            "Id": org.ids.of("ApprovalWorkItem", flow["approval"]),
            "ApprovalSubmissionId": org.ids.of("ApprovalSubmission", flow["approval"]),
            "RelatedRecordId": flow["target"],
            "RelatedRecordObjectName": flow["object"].replace_strict(_OBJECTS),
            "Status": flow["decision"].replace("Recalled", "Canceled").fill_null("Assigned"),
            "AssignedToId": org.users(flow["original_approver"]),
            "ReviewedById": org.users(reviewer),
            "ReviewedDate": reviewed,
            **audited(
                org, flow["approval"], flow["requested"], flow["requested_by"], latest(flow["decided"])
            ),
        }
    )
