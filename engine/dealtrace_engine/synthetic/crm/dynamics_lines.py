"""The lines of opportunities, quotes, orders and invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
from dealtrace_engine.synthetic.crm.dynamics_history import History, history

if TYPE_CHECKING:
    import polars as pl


def line_histories(directory: Directory) -> dict[str, History]:
    """Return the lines; none of them ever changes.

    A line of an order points to that of its quote, a line of an invoice to that of its order.
    """
    import polars as pl

    facts = directory.facts
    alive = (
        facts["opportunities"]
        .filter(~pl.col("deleted"))
        .select("opportunity", "currency", "created", "created_by")
    )
    deal_lines = facts["opportunity_lines"].join(alive, "opportunity", maintain_order="left")
    quotes = facts["quotes"].join(facts["opportunities"].select("opportunity", "currency"), "opportunity")
    quote_lines = _with_parent(facts["quote_lines"], quotes, "quote")
    order_lines = _with_parent(facts["order_lines"], facts["orders"], "order")
    order_lines = order_lines.join(
        facts["quote_lines"].select("quote", "opportunity_line", pl.col("line").alias("quote_line")),
        ["quote", "opportunity_line"], "left", maintain_order="left",
    )  # fmt: skip
    invoice_lines = _invoice_lines(directory)
    made = (
        ("opportunityproduct", deal_lines, {"opportunityid": ("opportunity", "opportunity")}),
        ("quotedetail", quote_lines, {"quoteid": ("quote", "quote")}),
        (
            "salesorderdetail",
            order_lines,
            {"salesorderid": ("salesorder", "order"), "quotedetailid": ("quotedetail", "quote_line")},
        ),
        (
            "invoicedetail",
            invoice_lines,
            {"invoiceid": ("invoice", "invoice"), "salesorderdetailid": ("salesorderdetail", "order_line")},
        ),
    )
    return {table: _lines(directory, table, lines, lookups) for table, lines, lookups in made}


def _with_parent(lines: pl.DataFrame, parents: pl.DataFrame, key: str) -> pl.DataFrame:
    more = ["quote"] if key == "order" else []
    return lines.join(
        parents.select(key, "currency", "created", "created_by", *more), key, maintain_order="left"
    )


def _invoice_lines(directory: Directory) -> pl.DataFrame:
    """Return the lines of every invoice's order again."""
    import polars as pl

    invoices = directory.facts["invoices"].select("invoice", "order", "currency", "created", "created_by")
    lines = directory.facts["order_lines"].rename({"line": "order_line"})
    joined = invoices.join(lines, "order", maintain_order="left_right")
    return joined.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("line"))


def _lines(
    directory: Directory, table: str, lines: pl.DataFrame, lookups: dict[str, tuple[str, str]]
) -> History:
    import polars as pl

    products = directory.facts["products"].select("product", pl.col("name").alias("productname"))
    lines = directory.priced(directory.pointing(lines, productid=("product", "product"), **lookups))
    lines = lines.join(products, "product", "left", maintain_order="left")
    before = (pl.col("quantity") * pl.col("price")).round(2)
    records = lines.select(
        pl.col("line").alias("key"),
        pl.col("created").alias("createdon"),
        pl.col("created_by").alias("createdby"),
        *lookups,
        "productid",
        "productname",
        "quantity",
        pl.col("price").alias("priceperunit"),
        before.alias("baseamount"),
        pl.max_horizontal(before - pl.col("total"), 0.0).round(2).alias("manualdiscountamount"),
        pl.lit(0.0).alias("volumediscountamount"),
        pl.col("total").alias("extendedamount"),
        pl.int_range(1, pl.len() + 1).over(next(iter(lookups))).cast(pl.Int32).alias("lineitemnumber"),
        "transactioncurrencyid",
        "exchangerate",
    )
    return history(table, f"{table}id", records, [], directory)
