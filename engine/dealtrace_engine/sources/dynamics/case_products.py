"""The product family that most of an opportunity's money is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.tables import CrmTables


def product_categories(tables: CrmTables) -> pl.LazyFrame:
    """Return case_id (of the opportunity) and product_category: the family of most of its value."""
    import polars as pl

    families = tables.table("product").select(parentproductid="productid", _family="name")
    products = tables.table("product").join(families, on="parentproductid", how="left")
    named = products.select("productid", category=pl.coalesce("_family", "parentproductidname"))
    worth = pl.coalesce(
        "extendedamount", "baseamount", pl.col("quantity") * pl.col("priceperunit"), pl.lit(0.0)
    )
    lines = tables.table("opportunityproduct").select("productid", case_id="opportunityid", worth=worth)
    joined = lines.join(named.unique("productid"), on="productid").drop_nulls(["case_id", "category"])
    sums = joined.group_by("case_id", "category").agg(pl.col("worth").sum())
    ordered = sums.sort("worth", "category", descending=[True, False])
    most = ordered.unique("case_id", keep="first", maintain_order=True)
    return most.select("case_id", product_category="category")
