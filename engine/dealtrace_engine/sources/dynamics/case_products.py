"""What most of an opportunity's money is in: the family of its products, and other attributes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.dynamics.own_values import labelled

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables


def product_categories(tables: CrmTables) -> pl.LazyFrame:
    """Return case_id (of the opportunity) and product_category: the family of most of its value."""
    import polars as pl

    families = tables.table("product").select(parentproductid="productid", _family="name")
    products = tables.table("product").join(families, on="parentproductid", how="left")
    named = products.select("productid", value=pl.coalesce("_family", "parentproductidname"))
    return _of_most_worth(tables, named).rename({"value": "product_category"})


def with_product_fields(rows: pl.LazyFrame, tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Add the fields of products that the mapping names, each with the value that most money is in."""
    import polars as pl

    for field, name in mapping.fields.items():
        table, _, column = field.partition(".")
        if table == "product" and column in tables.catalog["product"]:
            named = tables.table("product").select(
                "productid", value=labelled(tables, "product", column).cast(pl.String)
            )
            most = _of_most_worth(tables, named)
            joined = rows.drop(name, strict=False).join(most, on="case_id", how="left", maintain_order="left")
            rows = joined.rename({"value": name})
    return rows


def _of_most_worth(tables: CrmTables, named: pl.LazyFrame) -> pl.LazyFrame:
    """Return, of each opportunity, the value of its products that the most money is in: case_id, value."""
    import polars as pl

    priced = pl.col("quantity") * pl.col("priceperunit")
    worth = pl.coalesce("extendedamount", "baseamount", priced, pl.lit(0.0))
    lines = tables.table("opportunityproduct").select("productid", case_id="opportunityid", worth=worth)
    joined = lines.join(named.unique("productid"), on="productid").drop_nulls(["case_id", "value"])
    sums = joined.group_by("case_id", "value").agg(pl.col("worth").sum())
    ordered = sums.sort("worth", "value", descending=[True, False])
    return ordered.unique("case_id", keep="first", maintain_order=True).select("case_id", "value")
