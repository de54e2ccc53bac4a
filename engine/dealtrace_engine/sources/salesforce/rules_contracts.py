"""Rules on contracts: drafted, sent for approval, signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, creations, happened, midnight
from dealtrace_engine.sources.salesforce.transitions import status_changes

if TYPE_CHECKING:
    import polars as pl

SIGNATURES = ("CustomerSignedDate", "CompanySignedDate")


def created(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the creation of contracts."""
    return creations(tables, "Contract", "contract")


def sent_for_approval(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return changes into the status of being approved."""
    return status_changes(tables, mapping, "Contract", "contract", "contract.in_approval")


def activated(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the activation of contracts, which is what the requirement guides call signed."""
    return creations(tables, "Contract", "contract", at="ActivatedDate", by="ActivatedById")


def activated_by_history(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return activations in the history of contracts; what two rows of one instant say is one."""
    import polars as pl

    events = status_changes(tables, mapping, "Contract", "contract", "contract.activated",
                            tokens=("contractActivation",))  # fmt: skip
    return events.sort("timestamp", pl.col("status_to").is_null()).unique(
        ["record_id", "timestamp"], keep="first", maintain_order=True
    )


def signed_on(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the day on which the last of the two parties signed."""
    import polars as pl

    rows = alive(tables, "Contract").with_columns(signed=pl.max_horizontal(*SIGNATURES))
    rows = happened(tables, rows, "signed", mapping.zone, "Contract.CustomerSignedDate or CompanySignedDate")
    company_last = (pl.col("CompanySignedDate") >= pl.col("CustomerSignedDate")).fill_null(
        pl.col("CustomerSignedDate").is_null()
    )
    return rows.select(
        fact="Id", object=pl.lit("contract"), record_id="Id", timestamp=midnight("signed"),
        ts_precision=pl.lit("date"), source_row_id="Id",
        resource_id=pl.when(company_last).then("CompanySignedId"),
    )  # fmt: skip


RULES = (
    Rule("SF1", "contract_created", "Contract", "created", created, ("Contract.CreatedDate",)),
    Rule("SF1", "contract_sent_for_approval", "ContractHistory", "history", sent_for_approval,
         ("ContractHistory.NewValue",)),
    Rule("SF1", "contract_signed", "Contract", "field", activated, ("Contract.ActivatedDate",)),
    Rule("SF2", "contract_signed", "ContractHistory", "history", activated_by_history,
         ("ContractHistory.NewValue",), verified=False),
    Rule("SF3", "contract_signed", "Contract", "field", signed_on, ("Contract.CustomerSignedDate",)),
)  # fmt: skip
