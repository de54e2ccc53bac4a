"""What the columns of Dataverse tables are: keys, lookups, names, labels of options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm.spool import columns_of, selected

if TYPE_CHECKING:
    import polars as pl

USER = "systemuser"
TARGETS = {
    "createdby": USER, "modifiedby": USER, "owninguser": USER, "userid": USER, "callinguserid": USER,
    "parentsystemuserid": USER, "managerid": USER, "ownerid": USER, "createdonbehalfby": USER,
    "owningteam": "team", "owningbusinessunit": "businessunit", "businessunitid": "businessunit",
    "parentbusinessunitid": "businessunit", "transactioncurrencyid": "transactioncurrency",
    "originatingleadid": "lead", "leadid": "lead", "masterid": None, "qualifyingopportunityid": "opportunity",
    "opportunityid": "opportunity", "parentaccountid": "account", "accountid": "account",
    "parentcontactid": "contact", "contactid": "contact", "customerid": None, "parentcustomerid": None,
    "quoteid": "quote", "salesorderid": "salesorder", "invoiceid": "invoice", "bpf_quoteid": "quote",
    "bpf_salesorderid": "salesorder", "productid": "product", "quotedetailid": "quotedetail",
    "salesorderdetailid": "salesorderdetail", "campaignid": "campaign", "pricelevelid": "pricelevel",
    "competitorid": "competitor", "territoryid": "territory", "activestageid": "processstage",
    "processid": "workflow", "regardingobjectid": None,
    "new_opportunityid": "opportunity", "msdyn_flow_approvalrequest_approval": "msdyn_flow_approval",
    "msdyn_flow_approvalresponse_approval": "msdyn_flow_approval", "objectid": None, "partyid": None,
    "activityid": "activitypointer",
}  # fmt: skip
"""Lookup columns to the table that they point to; None where that differs from row to row."""
POLYMORPHIC = frozenset({"ownerid", *(column for column, target in TARGETS.items() if target is None)})
KINDS = {
    "ownerid": "owneridtype", "customerid": "customeridtype", "parentcustomerid": "parentcustomeridtype",
    "regardingobjectid": "regardingobjecttypecode", "objectid": "objecttypecode",
    "partyid": "partyobjecttypecode",
}  # fmt: skip
"""Polymorphic lookups to the columns that say beside them which table they point to."""
PLAIN_GUIDS = {"processid": ("lead", "opportunity", "quote", "salesorder", "invoice")}
"""Columns that look like lookups but hold a bare GUID in these tables."""
NAMES = ("fullname", "name", "subject", "stagename", "currencyname", "isocurrencycode", "title")
LANGUAGE_CODES = {"en": 1033, "de": 1031, "fr": 1036, "it": 1040, "ja": 1041, "zh": 2052}
KEYS = ("activityid", "businessprocessflowinstanceid")


def key_of(table: str, columns: Sequence[str]) -> str | None:
    """Return the column that holds a row's own GUID.

    Examples
    --------
    >>> key_of("opportunity", ["name", "opportunityid"]), key_of("phonecall", ["activityid", "subject"])
    ('opportunityid', 'activityid')
    """
    own = f"{table}id"
    return next((column for column in (own, *KEYS) if column in columns), None)


def lookups_of(table: str, columns: Sequence[str]) -> list[str]:
    """Return the lookup columns of a table.

    Examples
    --------
    >>> lookups_of("quote", ["quoteid", "opportunityid", "name", "ownerid"])
    ['opportunityid', 'ownerid']
    """
    key = key_of(table, columns)
    return [
        column
        for column in columns
        if column in TARGETS and column != key and table not in PLAIN_GUIDS.get(column, ())
    ]


def name_column(columns: Sequence[str]) -> str | None:
    """Return the column that names a row."""
    return next((column for column in NAMES if column in columns), None)


def without_kinds(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows without the columns that say which table a lookup beside them points to."""
    return rows.drop(kind for column, kind in KINDS.items() if column != "objectid" and kind in rows.columns)


class Schema:
    """What is known of all tables together.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Under logical names; `stringmap` holds the labels of options.
    language : {"en", "de", "fr", "it", "ja", "zh"}
        Of the labels; another one stands in where it is missing.
    """

    def __init__(self, tables: Mapping[str, pl.DataFrame], language: str) -> None:
        self.tables, self.language = tables, language
        self._named: dict[str, pl.DataFrame | None] = {}

    def named(self, table: str) -> pl.DataFrame | None:
        """Return the columns `id` and `label` of a table's rows, or None if it has none."""
        import polars as pl

        if table not in self.tables or table == "audit":
            return None
        columns = columns_of(self.tables, table)
        key, name = key_of(table, columns), name_column(columns)
        if key is None:
            return None
        label = pl.col(name) if name else pl.lit(None, pl.String)
        frame = selected(self.tables, table, [key, name] if name else [key])
        return frame.select(pl.col(key).alias("id"), label.alias("label")).unique("id", keep="last")

    def _known(self, table: str) -> pl.DataFrame | None:
        """Return what `named` does, which is looked up for every lookup of every slice, and kept."""
        if table not in self._named:
            self._named[table] = self.named(table)
        return self._named[table]

    @cached_property
    def everything(self) -> pl.DataFrame:
        """Return `id`, `label` and `target`, the table, of the rows of all tables that a lookup may name."""
        import polars as pl

        frames = []
        for table in self.tables:
            named = self.named(table)
            if named is not None and not table.endswith("detail"):
                frames.append(named.with_columns(pl.lit(table).alias("target")))
        empty = pl.DataFrame(schema=dict.fromkeys(("id", "label", "target"), pl.String))
        return pl.concat([empty, *frames]).unique("id", keep="first", maintain_order=True)

    def targets(self, rows: pl.DataFrame, column: str) -> pl.Series:
        """Return the table that a lookup column points to, row by row; null where it points nowhere."""
        import polars as pl

        beside = KINDS.get(column)
        if beside not in rows.columns:
            return self.resolved(rows, column)["target"]
        return rows.select(pl.when(pl.col(column).is_not_null()).then(beside).alias("target")).to_series()

    def resolved(self, rows: pl.DataFrame, column: str) -> pl.DataFrame:
        """Return `label` and `target` of what a lookup column points to, row by row."""
        import polars as pl

        target = TARGETS[column]
        if KINDS.get(column) in rows.columns:
            known = self._of_tables(rows[KINDS[column]].unique().to_list())
        else:
            known = self.everything if column in POLYMORPHIC else self._of_tables([target])
        ids = rows.select(pl.col(column).alias("id"))
        if known.height > ids.height:
            known = known.join(ids, on="id", how="semi")  # a small table of hashes instead of a large one
        found = ids.join(known.select("id", "label", "target"), on="id", how="left", maintain_order="left")
        fallback = pl.lit(USER if column == "ownerid" else target, pl.String)
        pointed = pl.when(pl.col("id").is_not_null()).then(pl.col("target").fill_null(fallback))
        if KINDS.get(column) in rows.columns:
            return found.select("label").with_columns(self.targets(rows, column))
        return found.select("label", pointed.alias("target"))

    def _of_tables(self, tables: Iterable[str | None]) -> pl.DataFrame:
        """Return what `everything` does, of the rows of some tables."""
        import polars as pl

        frames = [
            named.with_columns(pl.lit(table).alias("target"))
            for table in tables
            if (named := self._known(table or "")) is not None
        ]
        empty = pl.DataFrame(schema=dict.fromkeys(("id", "label", "target"), pl.String))
        return pl.concat([empty, *frames])

    @cached_property
    def options(self) -> pl.DataFrame:
        """Return `table`, `column`, `value`, `language` and `label` of every option."""
        import polars as pl

        schema = {
            "table": pl.String, "column": pl.String, "value": pl.Int64, "language": pl.Int64,
            "label": pl.String,
        }  # fmt: skip
        maps = self.tables.get("stringmap")
        if maps is None:
            return pl.DataFrame(schema=schema)
        language = pl.col("langid").cast(pl.Int64) if "langid" in maps.columns else pl.lit(1033, pl.Int64)
        return maps.select(
            pl.col("objecttypecode").alias("table"),
            pl.col("attributename").alias("column"),
            pl.col("attributevalue").cast(pl.Int64).alias("value"),
            language.alias("language"),
            pl.col("value").alias("label"),
        )

    def labels(self, table: str, column: str) -> dict[int, str]:
        """Return the labels of a column's options; none if it has no options."""
        return self._labels.get((table, column), {})

    @cached_property
    def _labels(self) -> dict[tuple[str, str], dict[int, str]]:
        import polars as pl

        found: dict[tuple[str, str], dict[int, str]] = {}
        wanted = pl.col("language") == LANGUAGE_CODES[self.language]
        ordered = self.options.sort(wanted, maintain_order=True)  # the wanted language comes last, and stays
        for table, column, value, label in ordered.drop("language").iter_rows():
            found.setdefault((table, column), {})[value] = label
        return found
