"""The Salesforce tables after the sale: orders, invoices, payments, and cases of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.lines import lines_of
from dealtrace_engine.synthetic.crm.salesforce_fields import ORDER
from dealtrace_engine.synthetic.crm.salesforce_rows import audited, constant, laid_out, latest, looked_up

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg

ORDER_KNOWS_DEAL_MODULUS = 8
"""Every eighth order that has a quote does not name its opportunity."""
_INHERITS_DATE_MODULUS = 4
"""Every fourth allocation has no AppliedDate of its own."""


def billing_tables(org: SalesforceOrg) -> dict[str, pl.DataFrame]:
    """Return the tables by the name of their object."""
    return {
        "Order": _orders(org),
        "OrderItem": _order_items(org),
        "Invoice": invoices(org),
        "InvoiceLine": _invoice_lines(org),
        "Payment": _payments(org),
        "PaymentLineInvoice": _allocations(org),
        "Case": _cases(org),
    }


def _orders(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    orders = org.facts["orders"]
    key, draft = orders["order"], orders["status"] == "Draft"
    silent = (key % ORDER_KNOWS_DEAL_MODULUS == 0) & orders["quote"].is_not_null()
    deal = pl.select(pl.when(~silent).then(orders["opportunity"])).to_series()
    root = looked_up(orders["quote"], org.facts["quotes"], "quote", "root")
    changed = latest(
        *(orders[c] for c in ("activated", "partially_fulfilled", "fulfilled", "canceled", "closed"))
    )
    return laid_out(
        {
            "Id": org.ids.of("Order", key),
            "OwnerId": org.users(orders["owner"]),
            "ContractId": org.ids.of("Contract", orders["contract"]),
            "AccountId": org.ids.of("Account", orders["account"]),
            "Pricebook2Id": org.ids.of("Pricebook2", constant(1, len(orders)).cast(pl.Int64)),
            "OpportunityId": org.ids.of("Opportunity", deal),
            "QuoteId": org.ids.of("Quote", root),
            "EffectiveDate": orders["created"].dt.offset_by("7d").dt.date(),
            "IsReductionOrder": constant(False, len(orders)),
            "Status": orders["status"],
            "StatusCode": pl.select(
                pl.when(draft).then(pl.lit("Draft")).otherwise(pl.lit("Activated"))
            ).to_series(),
            "Type": pl.select(
                pl.when(orders["opportunity"].is_null()).then(pl.lit("Renewal")).otherwise(pl.lit("New"))
            ).to_series(),
            "ActivatedDate": orders["activated"],
            "ActivatedById": org.users(
                pl.select(pl.when(orders["activated"].is_not_null()).then(orders["owner"])).to_series()
            ),
            "OrderNumber": key.cast(pl.String).str.zfill(8),
            "CurrencyIsoCode": orders["currency"],
            "TotalAmount": orders["total"],
            **audited(org, key, orders["created"], orders["created_by"], changed),
        },
        ORDER,
    )


def _order_items(org: SalesforceOrg) -> pl.DataFrame:
    lines = org.facts["order_lines"].join(
        org.facts["orders"].select("order", "quote", "currency", "created", "created_by"),
        on="order",
        maintain_order="left",
    )
    of_quotes = org.facts["quote_lines"].select("quote", "opportunity_line", quote_line="line")
    lines = lines.join(of_quotes, on=["quote", "opportunity_line"], how="left", maintain_order="left")
    return laid_out(
        {
            "Id": org.ids.of("OrderItem", lines["line"]),
            "OrderId": org.ids.of("Order", lines["order"]),
            "QuoteLineItemId": org.ids.of("QuoteLineItem", lines["quote_line"]),
            "Product2Id": org.ids.of("Product2", lines["product"]),
            "PricebookEntryId": org.ids.of("PricebookEntry", lines["product"]),
            "CurrencyIsoCode": lines["currency"],
            "Quantity": lines["quantity"],
            "UnitPrice": lines["price"],
            "TotalPrice": lines["total"],
            "ServiceDate": lines["created"].dt.date(),
            **audited(org, lines["line"], lines["created"], lines["created_by"], lines["created"]),
        }
    )


def received(org: SalesforceOrg) -> pl.DataFrame:
    """Return invoice, received and settled (the day of the last payment that settles it)."""
    import polars as pl

    amount = pl.when(pl.col("kind") == "applied").then("amount").otherwise(-pl.col("amount"))
    return (
        org.facts["payments"].group_by("invoice").agg(received=amount.sum().round(2), last=pl.col("at").max())
    )


def invoices(org: SalesforceOrg) -> pl.DataFrame:
    """Return the invoices as standard records."""
    import polars as pl

    bills = org.facts["invoices"].join(received(org), on="invoice", how="left", maintain_order="left")
    key, paid = bills["invoice"], bills["received"].fill_null(0.0)
    posted = pl.when(pl.col("status") == "Paid").then(pl.lit("Posted")).otherwise("status")
    changed = latest(bills["sent"], bills["canceled"], bills["last"])
    settlement = (
        pl.when(pl.col("paid").is_not_null()).then(pl.lit("Settled"))
        .when(pl.col("received") > 0).then(pl.lit("Partially Settled")).otherwise(pl.lit("Not Settled"))
    )  # fmt: skip
    return laid_out(
        {
            "Id": org.ids.of("Invoice", key),
            "InvoiceNumber": bills.select(pl.format("INV-{}", "number")).to_series(),
            "DocumentNumber": bills.select(pl.format("INV-{}", "number")).to_series(),
            "Status": bills.select(posted).to_series(),
            "Type__c": bills["type"],
            "ReferenceEntityId": org.ids.of("Order", bills["order"]),
            "BillingAccountId": org.ids.of("Account", bills["account"]),
            "InvoiceDate": bills["invoice_date"],
            "DueDate": bills["due_date"],
            "PostedDate": bills["sent"].dt.date(),
            "FullSettlementDate": bills["paid"].dt.date(),
            "SettlementStatus": bills.select(settlement).to_series(),
            "CurrencyIsoCode": bills["currency"],
            "TotalAmount": bills["total"],
            "TotalAmountWithTax": bills["total"],
            "Balance": (bills["total"] - paid).round(2),
            "NetPaymentsApplied": paid,
            "Payment_Terms__c": bills.select(pl.format("Net {}", "terms")).to_series(),
            **audited(org, key, bills["created"], bills["created_by"], changed),
        }
    )  # fmt: skip


def _invoice_lines(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    bills = org.facts["invoices"].filter(pl.col("opportunity").is_not_null())
    lines = lines_of(bills, "invoice", org.facts["opportunity_lines"])
    lines = lines.join(
        bills.select("invoice", "order", "created", "created_by"), on="invoice", maintain_order="left"
    )
    key = lines["line"] + org.facts.part.keys_before
    of_orders = org.facts["order_lines"].select("order", "opportunity_line", item="line")
    lines = lines.join(of_orders, on=["order", "opportunity_line"], how="left", maintain_order="left")
    return laid_out(
        {
            "Id": org.ids.of("InvoiceLine", key),
            "InvoiceId": org.ids.of("Invoice", lines["invoice"]),
            "ReferenceEntityItemId": org.ids.of("OrderItem", lines["item"]),
            "Product2Id": org.ids.of("Product2", lines["product"]),
            "Quantity": lines["quantity"],
            "LineAmount": lines["total"],
            **audited(org, key, lines["created"], lines["created_by"], lines["created"]),
        }
    )


def _payments(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    payments = org.facts["payments"].filter(pl.col("kind") == "applied")
    key, at = payments["payment"], payments["at"]
    reversed_ = key.is_in(org.facts["payments"]["reverses"].drop_nulls().implode())
    balance = pl.select(pl.when(reversed_).then(payments["amount"]).otherwise(0.0)).to_series()
    return laid_out(
        {
            "Id": org.ids.of("Payment", key),
            "PaymentNumber": payments.select(
                pl.format("PMT-{}", pl.col("payment").cast(pl.String).str.zfill(8))
            ).to_series(),
            "AccountId": org.ids.of("Account", payments["account"]),
            "Status": constant("Processed", len(payments)),
            "Type": constant("Capture", len(payments)),
            "CurrencyIsoCode": payments["currency"],
            "Amount": payments["amount"],
            "Balance": balance,
            "TotalApplied": payments["amount"],
            "NetApplied": payments["amount"] - balance,
            "Date": at,
            "EffectiveDate": at,
            **audited(org, key, at, payments["by"], at),
        }
    )


def _allocations(org: SalesforceOrg) -> pl.DataFrame:
    """Return what links payments to invoices; taking one back is a row of its own."""
    import polars as pl

    payments = org.facts["payments"]
    key, at, back = payments["payment"], payments["at"], payments["kind"] == "unapplied"
    payment = pl.select(pl.coalesce(payments["reverses"], key)).to_series()
    inherits = (key % _INHERITS_DATE_MODULUS == 0) | back
    was_reversed = key.is_in(payments["reverses"].drop_nulls().implode())
    return laid_out(
        {
            "Id": org.ids.of("PaymentLineInvoice", key),
            "PaymentId": org.ids.of("Payment", payment),
            "InvoiceId": org.ids.of("Invoice", payments["invoice"]),
            "CurrencyIsoCode": payments["currency"],
            "Amount": payments["amount"],
            "Type": pl.select(
                pl.when(back).then(pl.lit("Unapplied")).otherwise(pl.lit("Applied"))
            ).to_series(),
            "Date": at,
            "EffectiveDate": at,
            "AppliedDate": pl.select(pl.when(~inherits).then(at)).to_series(),
            "UnappliedDate": pl.select(pl.when(back).then(at)).to_series(),
            "AssociatedPaymentLineId": org.ids.of("PaymentLineInvoice", payments["reverses"]),
            "HasBeenUnapplied": pl.select(
                pl.when(was_reversed).then(pl.lit("Yes")).otherwise(pl.lit("No"))
            ).to_series(),
            **audited(org, key, at, payments["by"], at),
        }
    )


def _cases(org: SalesforceOrg) -> pl.DataFrame:
    import polars as pl

    cases = org.facts["support_cases"]
    closer = constant(company.SYSTEM_USER, len(cases)).cast(pl.Int64)
    return laid_out(
        {
            "Id": org.ids.of("Case", cases["case"]),
            "CaseNumber": cases["case"].cast(pl.String).str.zfill(8),
            "AccountId": org.ids.of("Account", cases["account"]),
            "Opportunity__c": org.ids.of("Opportunity", cases["opportunity"]),
            "Status": cases["status"],
            "Origin": constant("Email", len(cases)),
            "OwnerId": org.users(pl.select(pl.coalesce(cases["by"], closer)).to_series()),
            "IsClosed": cases["closed"].is_not_null(),
            "ClosedDate": cases["closed"],
            **audited(org, cases["case"], cases["opened"], cases["by"], cases["closed"]),
        }
    )
