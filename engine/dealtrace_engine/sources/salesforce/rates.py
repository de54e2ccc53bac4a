"""Amounts in the currency of the organisation, at the rate of their day; never without a rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.tables import CrmTables

if TYPE_CHECKING:
    import polars as pl


def corporate(rows: pl.LazyFrame, tables: CrmTables) -> pl.LazyFrame:
    """Return the rows with `amount_corporate`.

    Parameters
    ----------
    rows : LazyFrame
        With amount, currency and close_date.
    tables : CrmTables
        DatedConversionRate, by close date, counts before CurrencyType. In an organisation that has one
        currency only, amounts are in that; where there are several and no rates, there is no such amount.
    """
    import polars as pl

    rows = rows.with_row_index("_row")
    plain = tables.table("CurrencyType").filter(pl.col("ConversionRate") > 0)
    plain = plain.select(currency="IsoCode", rate="ConversionRate").unique("currency", keep="first")
    dated = tables.table("DatedConversionRate").filter(pl.col("ConversionRate") > 0)
    dated = dated.select(currency="IsoCode", start="StartDate", end="NextStartDate", of_day="ConversionRate")
    valued = rows.filter(pl.col("close_date").is_not_null() & pl.col("currency").is_not_null())
    at_day = valued.select("_row", "currency", "close_date").sort("close_date").join_asof(
        dated.drop_nulls("start").sort("start"), left_on="close_date", right_on="start", by="currency",
        check_sortedness=False,
    )  # fmt: skip
    valid = pl.col("end").is_null() | (pl.col("close_date") < pl.col("end"))
    at_day = at_day.select("_row", of_day=pl.when(valid).then("of_day"))
    joined = rows.join(plain, on="currency", how="left").join(at_day, on="_row", how="left").sort("_row")
    rate = pl.coalesce("of_day", "rate")
    one = pl.col("currency").drop_nulls().n_unique() <= 1
    no_rates = pl.col("rate").is_null().all() & pl.col("of_day").is_null().all()
    alone = pl.when(one & no_rates).then("amount")
    return joined.with_columns(amount_corporate=pl.coalesce(pl.col("amount") / rate, alone)).drop(
        "_row", "rate", "of_day"
    )
