"""The lines of opportunities, quotes, orders and invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.dynamics_directory import Directory
from dealtrace_engine.synthetic.crm.dynamics_history import History, history

if TYPE_CHECKING:
    import polars as pl


def opportunityproduct_history(directory: Directory) -> History:
    """Return the lines of opportunities; a line never changes."""
    import polars as pl

    deals = directory.facts["opportunities"].filter(~pl.col("deleted"))
    lines = _with_parent(directory.facts["opportunity_lines"], deals, "opportunity")
    return _lines(directory, "opportunityproduct", lines, opportunityid=("opportunity", "opportunity"))


def quotedetail_history(directory: Directory) -> History:
    """Return the lines of quotes."""
    facts = directory.facts
    quotes = facts["quotes"].join(facts["opportunities"].select("opportunity", "currency"), "opportunity")
    lines = _with_parent(facts["quote_lines"], quotes, "quote")
    return _lines(directory, "quotedetail", lines, quoteid=("quote", "quote"))


def salesorderdetail_history(directory: Directory) -> History:
    """Return the lines of orders, each with the line of the quote that it comes from."""
    import polars as pl

    facts, both = directory.facts, ["quote", "opportunity_line"]
    of_quotes = facts["quote_lines"].select(*both, pl.col("line").alias("quote_line"))
    lines = _with_parent(facts["order_lines"], facts["orders"], "order", "quote")
    lines = lines.join(of_quotes, both, "left", maintain_order="left")
    return _lines(
        directory, "salesorderdetail", lines, salesorderid=("salesorder", "order"),
        quotedetailid=("quotedetail", "quote_line"),
    )  # fmt: skip


def invoicedetail_history(directory: Directory) -> History:
    """Return the lines of invoices: those of their order again, each with the line that it comes from."""
    import polars as pl

    invoices = directory.facts["invoices"].select("invoice", "order", "currency", "created", "created_by")
    of_orders = directory.facts["order_lines"].rename({"line": "order_line"})
    lines = invoices.join(of_orders, "order", maintain_order="left_right")
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64) + directory.facts.part.keys_before
    lines = lines.with_columns(number.alias("line"))
    return _lines(
        directory, "invoicedetail", lines, invoiceid=("invoice", "invoice"),
        salesorderdetailid=("salesorderdetail", "order_line"),
    )  # fmt: skip


def _with_parent(lines: pl.DataFrame, parents: pl.DataFrame, key: str, *more: str) -> pl.DataFrame:
    return lines.join(
        parents.select(key, "currency", "created", "created_by", *more), key, maintain_order="left"
    )


def _lines(directory: Directory, table: str, lines: pl.DataFrame, **lookups: tuple[str, str]) -> History:
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
