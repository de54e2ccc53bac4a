"""Which cases every record belongs to, whatever object is the case."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.account_links import by_account
from dealtrace_engine.sources.salesforce.contact_roles import RELATIONS, asked_for_roles, by_contact_role
from dealtrace_engine.sources.salesforce.contacts import contacts
from dealtrace_engine.sources.salesforce.evidence import alive
from dealtrace_engine.sources.salesforce.main_quotes import main_quotes, not_main
from dealtrace_engine.sources.salesforce.paths import (
    back,
    custom_paths,
    first_hit,
    invoice_orders,
    lead_opportunities,
    order_quotes,
    path,
    payment_invoices,
    quote_opportunities,
    then,
)

if TYPE_CHECKING:
    import polars as pl

OBJECTS = {
    "lead": ("Lead",), "opportunity": ("Opportunity",), "quote": ("Quote", "SBQQ__Quote__c"),
    "contract": ("Contract",), "order": ("Order",), "invoice": ("Invoice", "blng__Invoice__c"),
    "case": ("Case",),
}  # fmt: skip
"""What the business calls a record, to the objects that hold it."""
LONGEST_CHAIN = 4
"""How often a reduction order may be of a reduction order."""
Links = dict[str, "pl.LazyFrame"]


def links(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Return the cases of every record.

    Parameters
    ----------
    tables : CrmTables
    mapping : CrmMapping
        Names the object that is the case, and how several quotes of an opportunity are flattened.

    Returns
    -------
    DataFrame
        object, record_id, case_id, via (the columns that lead from the record to the case), confidence: 1 for
        a link that the export has, less for one by contact role or account and time, 0 for one that is left
        out by choice.
    """
    return links_of(tables, mapping).collect()


def links_of(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return `links`, worked out when first asked for."""
    import polars as pl

    kinds = pl.Enum(sorted([*OBJECTS, "payment", "contact"]))
    few = (pl.col("object").cast(kinds), pl.col("via").cast(pl.Categorical))
    return tables.once(f"links {mapping!r}", lambda: _links(tables, mapping).with_columns(few))


def _links(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    import polars as pl

    to_opportunity = opportunity_links(tables, mapping)
    found = _LEADING[mapping.leading](tables, mapping, to_opportunity)
    cases = pl.concat([alive(tables, name).select(target="Id") for name in OBJECTS[mapping.leading]])
    found["contact"] = _contact_links(tables, mapping, found)
    parts = [
        rows.join(cases, on="target", how="semi").select(
            object=pl.lit(kind), record_id="record_id", case_id="target", via="via", confidence=pl.lit(1.0)
        )
        for kind, rows in found.items()
    ]
    known = pl.concat(parts).collect().lazy()
    for guess in _guesses(mapping):
        guessed = guess(tables, mapping).join(known, on=["object", "record_id"], how="anti")
        known = pl.concat([known, guessed])
    if mapping.flatten == "primary" and mapping.leading == "opportunity":
        known = _flattened(known, tables, mapping)
    return known


def _guesses(mapping: CrmMapping) -> list[Callable[[CrmTables, CrmMapping], pl.LazyFrame]]:
    """Return the ways to opportunities that are not certain and that the mapping asks for, the best first."""
    if mapping.leading != "opportunity":
        return []
    ways = ((asked_for_roles(mapping), by_contact_role), (mapping.link_by_account, by_account))
    return [guess for asked, guess in ways if asked]


def _self(tables: CrmTables, kind: str) -> pl.LazyFrame:
    import polars as pl

    return pl.concat(
        [
            alive(tables, name).select(record_id="Id", target="Id", via=pl.lit(f"{name}.Id"))
            for name in OBJECTS[kind]
        ]
    )


def _custom(tables: CrmTables, mapping: CrmMapping, kind: str) -> list[pl.LazyFrame]:
    return custom_paths(tables, mapping, OBJECTS[kind], "opportunity_id")


def opportunity_links(tables: CrmTables, mapping: CrmMapping) -> Links:
    """Return, kind by kind, which opportunities records belong to."""
    import polars as pl

    def make() -> pl.LazyFrame:
        found = _to_opportunities(tables, mapping)
        return pl.concat(rows.with_columns(kind=pl.lit(kind)) for kind, rows in found.items())

    known = tables.once(f"opportunity links {dict(mapping.fields)}", make)
    kinds = (*OBJECTS, "payment")
    return {kind: known.filter(pl.col("kind") == kind).drop("kind") for kind in kinds}


def _to_opportunities(tables: CrmTables, mapping: CrmMapping) -> Links:
    quotes = first_hit(*_custom(tables, mapping, "quote"), quote_opportunities(tables))
    of_quote = order_quotes(tables)
    direct = first_hit(
        *_custom(tables, mapping, "order"), path(tables, "Order", "OpportunityId"), then(of_quote, quotes)
    )
    contracts = first_hit(
        *_custom(tables, mapping, "contract"),
        path(tables, "Contract", "SourceOpportunityId"),
        path(tables, "Contract", "SBQQ__Opportunity__c"),
        path(tables, "Opportunity", "Id", "ContractId"),
        then(path(tables, "Quote", "Id", "ContractId"), quotes),
        then(path(tables, "Contract", "SBQQ__Quote__c"), quotes),
        then(path(tables, "Order", "Id", "ContractId"), direct),
        then(path(tables, "Contract", "SBQQ__Order__c"), direct),
    )
    orders = first_hit(direct, then(path(tables, "Order", "ContractId"), contracts))
    for _ in range(LONGEST_CHAIN):
        orders = first_hit(orders, then(path(tables, "Order", "OriginalOrderId"), orders))
    reference = path(tables, "Invoice", "ReferenceEntityId")
    invoices = first_hit(
        *_custom(tables, mapping, "invoice"),
        then(invoice_orders(tables), orders),
        then(reference, _self(tables, "opportunity")),
        then(reference, quotes),
    )
    return {
        "lead": first_hit(*_custom(tables, mapping, "lead"), lead_opportunities(tables)),
        "opportunity": _self(tables, "opportunity"),
        "quote": quotes,
        "contract": contracts,
        "order": orders,
        "invoice": invoices,
        "payment": then(payment_invoices(tables), invoices),
        "case": first_hit(*_custom(tables, mapping, "case"), _self(tables, "case").limit(0)),
    }


def _as_they_are(tables: CrmTables, mapping: CrmMapping, to_opportunity: Links) -> Links:
    return dict(to_opportunity)


def _of_leads(tables: CrmTables, mapping: CrmMapping, to_opportunity: Links) -> Links:
    """Return the leads that records came from: those converted into their opportunities."""
    leads = back(to_opportunity["lead"])
    further = {kind: then(rows, leads) for kind, rows in to_opportunity.items()}
    return {**further, "lead": _self(tables, "lead")}


def _of_quotes(tables: CrmTables, mapping: CrmMapping, to_opportunity: Links) -> Links:
    """Return the quotes of records: of what comes before quotes all, of what follows the one it came from."""
    all_quotes, main = back(to_opportunity["quote"]), main_quotes(tables, mapping, to_opportunity["quote"])
    of_order = order_quotes(tables)
    orders = first_hit(of_order, then(to_opportunity["order"], main))
    invoices = first_hit(
        then(invoice_orders(tables), orders),
        then(path(tables, "Invoice", "ReferenceEntityId"), _self(tables, "quote")),
        then(to_opportunity["invoice"], main),
    )
    return {
        "lead": then(to_opportunity["lead"], all_quotes),
        "opportunity": all_quotes,
        "quote": _self(tables, "quote"),
        "contract": first_hit(
            path(tables, "Quote", "Id", "ContractId"),
            path(tables, "Contract", "SBQQ__Quote__c"),
            then(path(tables, "Order", "Id", "ContractId"), of_order),
            then(to_opportunity["contract"], main),
        ),
        "order": orders,
        "invoice": invoices,
        "payment": then(payment_invoices(tables), invoices),
        "case": then(to_opportunity["case"], main),
    }


def _of_orders(tables: CrmTables, mapping: CrmMapping, to_opportunity: Links) -> Links:
    """Return the orders of records."""
    of_order = order_quotes(tables)
    all_orders, invoices = back(to_opportunity["order"]), invoice_orders(tables)
    return {
        "lead": then(to_opportunity["lead"], all_orders),
        "opportunity": all_orders,
        "quote": back(of_order),
        "contract": first_hit(
            path(tables, "Order", "Id", "ContractId"),
            path(tables, "Contract", "SBQQ__Order__c"),
            then(to_opportunity["contract"], all_orders),
        ),
        "order": _self(tables, "order"),
        "invoice": invoices,
        "payment": then(payment_invoices(tables), invoices),
        "case": then(to_opportunity["case"], all_orders),
    }


def _of_invoices(tables: CrmTables, mapping: CrmMapping, to_opportunity: Links) -> Links:
    """Return the invoices of records."""
    of_orders = back(invoice_orders(tables))
    all_invoices = back(to_opportunity["invoice"])
    return {
        "lead": then(to_opportunity["lead"], all_invoices),
        "opportunity": all_invoices,
        "quote": then(back(order_quotes(tables)), of_orders),
        "contract": first_hit(
            then(path(tables, "Order", "Id", "ContractId"), of_orders),
            then(to_opportunity["contract"], all_invoices),
        ),
        "order": of_orders,
        "invoice": _self(tables, "invoice"),
        "payment": payment_invoices(tables),
        "case": then(to_opportunity["case"], all_invoices),
    }


_LEADING = {
    "opportunity": _as_they_are, "lead": _of_leads, "quote": _of_quotes, "order": _of_orders,
    "invoice": _of_invoices,
}  # fmt: skip


def _contact_links(tables: CrmTables, mapping: CrmMapping, to_case: Links) -> pl.LazyFrame:
    """Return the cases of contacts: by what they are about, else by the lead they are with.

    One about an invoice, such as a reminder to pay it, says nothing of the selling before.
    """
    import polars as pl

    rows = contacts(tables, mapping).select("what", "who", Id="contact")
    what = path(tables, "Activity", "what", rows=rows).with_columns(via=pl.lit("WhatId"))
    who = path(tables, "Activity", "who", rows=rows).with_columns(via=pl.lit("WhoId"))
    more = [
        path(tables, name, "RelationId", of).with_columns(via=pl.lit(f"{name}.RelationId"))
        for name, of in RELATIONS
    ]
    about = ("opportunity", "quote", "order", "contract", "lead")
    return first_hit(
        *(then(what, to_case[kind]) for kind in about),
        then(who, to_case["lead"]),
        *(then(relation, to_case[kind]) for relation in more for kind in about),
    )


def _flattened(known: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Take the confidence from links of quotes that are not the main one, and of what came of them."""
    import polars as pl

    out = not_main(known, tables, mapping).with_columns(out=pl.lit(True))
    joined = known.join(out, on=["object", "record_id", "case_id"], how="left", maintain_order="left")
    left_out = pl.col("out").fill_null(False)
    return joined.with_columns(confidence=pl.when(left_out).then(0.0).otherwise("confidence")).drop("out")
