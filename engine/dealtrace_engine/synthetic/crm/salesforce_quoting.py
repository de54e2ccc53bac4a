"""The Salesforce tables of quoting: quotes, of which a revision is no record of its own, and contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.salesforce_fields import CONTRACT
from dealtrace_engine.synthetic.crm.salesforce_rows import audited, constant, laid_out, latest, looked_up
from dealtrace_engine.synthetic.crm.salesforce_selling import (
    CONTRACT_KNOWS_DEAL_MODULUS,
    person_at,
    surviving,
)

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg

DOCUMENT_MODULUS = 5
"""Every fifth quote is issued without saving a document."""
CONTRACT_STATUS_CODES = {"Draft": "Draft", "In Approval Process": "InApproval", "Activated": "Activated"}


def quoting_tables(org: SalesforceOrg) -> dict[str, pl.DataFrame]:
    """Return the tables by the name of their object."""
    last = last_revisions(org)
    return {
        "Quote": _quotes(org, last),
        "QuoteLineItem": _lines(org, last),
        "QuoteDocument": _documents(org),
        "Contract": _contracts(org),
    }


def last_revisions(org: SalesforceOrg) -> pl.DataFrame:
    """Return each quote in its last revision, with what is known of the first and of its deal."""
    import polars as pl

    quotes = org.facts["quotes"]
    first = quotes.filter(pl.col("revision") == 0).select("root", begun="created", begun_by="created_by")
    changed = quotes.group_by("root").agg(
        changed=pl.max_horizontal(pl.col("created", "issued", "accepted", "rejected").max())
    )
    deals = org.facts["opportunities"].select("opportunity", "account", "currency", "owner", "synced_quote")
    last = quotes.sort("root", "revision").unique("root", keep="last", maintain_order=True)
    for table, key in ((first, "root"), (changed, "root"), (deals, "opportunity")):
        last = last.join(table, on=key, how="left", maintain_order="left")
    return last


def _quotes(org: SalesforceOrg, last: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    account = surviving(org, last["account"])
    number = last["number"].cast(pl.String).str.zfill(8)
    return laid_out(
        {
            "Id": org.ids.of("Quote", last["root"]),
            "OwnerId": org.users(last["owner"]),
            "Name": pl.select(pl.format("Quote {}", number)).to_series(),
            "QuoteNumber": number,
            "OpportunityId": org.ids.of("Opportunity", last["opportunity"]),
            "AccountId": org.ids.of("Account", account),
            "ContactId": org.ids.of("Contact", person_at(account, last["opportunity"])),
            "Pricebook2Id": org.ids.of("Pricebook2", constant(1, len(last)).cast(pl.Int64)),
            "CurrencyIsoCode": last["currency"],
            "IsSyncing": (last["synced_quote"] == last["quote"]).fill_null(False),
            "Status": last["status"],
            "ExpirationDate": last["expires"],
            "Subtotal": (last["total"] / (1 - last["discount_pct"] / 100)).round(2),
            "Discount": last["discount_pct"],
            "TotalPrice": last["total"],
            "GrandTotal": last["total"],
            "LineItemCount": looked_up(
                last["quote"], org.facts["quote_lines"].group_by("quote").len(), "quote", "len"
            ).cast(pl.Int64),
            **audited(org, last["root"], last["begun"], last["begun_by"], last["changed"]),
        }
    )


def _lines(org: SalesforceOrg, last: pl.DataFrame) -> pl.DataFrame:
    lines = org.facts["quote_lines"].join(
        last.select("quote", "root", "created", "created_by", "currency"), on="quote", maintain_order="left"
    )
    return laid_out(
        {
            "Id": org.ids.of("QuoteLineItem", lines["line"]),
            "QuoteId": org.ids.of("Quote", lines["root"]),
            "OpportunityLineItemId": org.ids.of("OpportunityLineItem", lines["opportunity_line"]),
            "Product2Id": org.ids.of("Product2", lines["product"]),
            "PricebookEntryId": org.ids.of("PricebookEntry", lines["product"]),
            "CurrencyIsoCode": lines["currency"],
            "Quantity": lines["quantity"],
            "UnitPrice": lines["price"],
            "Subtotal": lines["total"],
            "TotalPrice": lines["total"],
            **audited(org, lines["line"], lines["created"], lines["created_by"], lines["created"]),
        }
    )


def documented(quotes: pl.DataFrame) -> pl.DataFrame:
    """Return the revisions whose issue saved a document."""
    import polars as pl

    return quotes.filter(pl.col("issued").is_not_null() & (pl.col("root") % DOCUMENT_MODULUS != 0))


def _documents(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    issued = documented(org.facts["quotes"])
    key = pl.int_range(1, len(issued) + 1, dtype=pl.Int64, eager=True) + org.facts.part.keys_before
    return laid_out(
        {
            "Id": org.ids.of("QuoteDocument", key),
            "QuoteId": org.ids.of("Quote", issued["root"]),
            "Name": issued.select(pl.format("Q{}_V{}.pdf", "number", pl.col("revision") + 1)).to_series(),
            "Discount": issued["discount_pct"],
            "GrandTotal": issued["total"],
            **audited(org, key, issued["issued"], issued["created_by"], issued["issued"]),
        }
    )


def _contracts(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    contracts = org.facts["contracts"]
    key, activated = contracts["contract"], contracts["activated"]
    knows = key % CONTRACT_KNOWS_DEAL_MODULUS != 0
    deal = pl.select(pl.when(knows).then(contracts["opportunity"])).to_series()
    start = activated.dt.date()
    return laid_out(
        {
            "Id": org.ids.of("Contract", key),
            "AccountId": org.ids.of("Account", contracts["account"]),
            "SourceOpportunityId": org.ids.of("Opportunity", deal),
            "StartDate": start,
            "EndDate": pl.select(start.dt.offset_by("1y")).to_series(),
            "ContractTerm": contracts["term_months"],
            "OwnerId": org.users(contracts["owner"]),
            "Status": contracts["status"],
            "StatusCode": contracts["status"].replace_strict(CONTRACT_STATUS_CODES),
            "CompanySignedId": org.users(contracts["activated_by"]),
            "CompanySignedDate": contracts["signed_company"],
            "CustomerSignedDate": contracts["signed_customer"],
            "SpecialTerms": contracts["terms"],
            "ActivatedById": org.users(contracts["activated_by"]),
            "ActivatedDate": activated,
            "LastApprovedDate": contracts["approved"],
            "ContractNumber": key.cast(pl.String).str.zfill(8),
            **audited(org, key, contracts["created"], contracts["created_by"],
                      latest(contracts["requested"], contracts["approved"], activated)),
        },
        CONTRACT,
    )  # fmt: skip
