"""Reports that a user exports: opportunities, and the history of opportunities."""

from __future__ import annotations

from datetime import UTC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.synthetic.crm.delimited import Dialect
from dealtrace_engine.synthetic.crm.export import Export
from dealtrace_engine.synthetic.crm.locales import LOCALES, Locale
from dealtrace_engine.synthetic.crm.salesforce_shapes.organization import with_names
from dealtrace_engine.synthetic.crm.salesforce_shapes.report_labels import header_label, stage_labels
from dealtrace_engine.synthetic.crm.texts import TextForm, as_text
from dealtrace_engine.synthetic.crm.workbook import Workbook

if TYPE_CHECKING:
    import polars as pl

OPPORTUNITIES = (
    "Id", "Name", "StageName", "Amount", "Probability", "CloseDate", "CreatedDate", "LastModifiedDate",
    "Owner", "AccountName", "LeadSource",
)  # fmt: skip
HISTORY = ("Id", "Name", "FromStage", "ToStage", "Amount", "Probability", "CloseDate", "EditDate", "Owner")
RELATED = (("OwnerId", "User", "Owner"), ("AccountId", "Account", "AccountName"))
"""Id column, object that it points to, and the column of the report that names it."""
_ID_LENGTH = 15
_DIALECT = Dialect()


def write_report(
    export: Export, *, zone: str | None = None, encoding: str | None = None, workbook: bool = False
) -> None:
    """Write both reports, ``report<milliseconds>.csv`` or ``.xlsx``.

    Parameters
    ----------
    export : Export
    zone : str, optional
        IANA name of the user's time zone; a likely one of the language by default.
    encoding : str, optional
        Chosen at the export; the usual one of the language by default.
    workbook : bool
        Write workbooks instead of text, with cells of dates and numbers.
    """
    locale = LOCALES[export.language]
    zone = zone or locale.zone
    named = export.tables.get("Opportunity")
    if named is None:
        raise ArgumentError("a report shows opportunities, and there are none")
    for column, of, into in RELATED:
        named = with_names(named, export.tables, column, of, into)
    reports: list[tuple[str, pl.DataFrame, tuple[str, ...]]] = [("Opportunities", named, OPPORTUNITIES)]
    if "OpportunityHistory" in export.tables:
        history = _changes(export.tables["OpportunityHistory"], named)
        reports.append(("Opportunity History", history, HISTORY))
    write = (
        _write_book if workbook else partial(_write, dialect=Dialect(encoding=encoding or locale.encoding))
    )
    for number, (title, rows, columns) in enumerate(reports):
        milliseconds = int(export.exported.replace(tzinfo=UTC).timestamp() * 1000) + 61_007 * number
        shown = rows.select(column for column in columns if column in rows.columns)
        write(export, export.folder / f"report{milliseconds}", title, shown, zone)


def _changes(history: pl.DataFrame, opportunities: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the history report: from which stage to which, as of when."""
    import polars as pl

    kept = [column for column in ("Id", "Name", "Owner") if column in opportunities.columns]
    ordered = history.sort("OpportunityId", "CreatedDate", "Id", maintain_order=True)
    changes = ordered.with_columns(
        FromStage=pl.col("StageName").shift(1).over("OpportunityId"),
        ToStage=pl.col("StageName"),
        EditDate=pl.col("CreatedDate"),
    )
    return changes.drop("Id").join(
        opportunities.select(kept), left_on="OpportunityId", right_on="Id", maintain_order="left"
    ).rename({"OpportunityId": "Id"})  # fmt: skip


def _write(
    export: Export, path: Path, title: str, shown: pl.DataFrame, zone: str, dialect: Dialect
) -> None:  # fmt: skip
    locale = LOCALES[export.language]
    form = TextForm(
        f"{locale.day} {locale.time}", locale.day, "1", "0", zone=zone, decimal=locale.decimal
    )  # fmt: skip
    frames = (_labelled(as_text(part, form).fill_null(""), export.language) for part in export.counted(shown))
    path = path.with_suffix(".csv")
    dialect.write_file(path, frames)
    quoted = [f'"{line}"' if line else "" for line in _footer(export, title, shown.height, locale)]
    with path.open("ab") as file:
        file.write("".join(f"{line}\n" for line in quoted).encode(dialect.encoding, "replace"))


def _write_book(export: Export, path: Path, title: str, shown: pl.DataFrame, zone: str) -> None:
    import polars as pl

    locale, language = LOCALES[export.language], export.language
    minutes = pl.selectors.datetime().dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.truncate("1m")
    days = pl.selectors.date().cast(pl.Datetime("us"))
    frames = (
        _labelled(part.with_columns(minutes).with_columns(days), language) for part in export.counted(shown)
    )
    header = [header_label(column, language) for column in shown.columns]
    footer = _footer(export, title, shown.height, locale)
    made = export.exported
    Workbook(title, header, 0, "", (), "yyyy-mm-dd hh:mm", made, footer).write(
        path.with_suffix(".xlsx"), frames
    )


def _labelled(rows: pl.DataFrame, language: str) -> pl.DataFrame:
    """Return rows under labels, with short ids and the stages' names in the language."""
    import polars as pl

    stages = [column for column in ("StageName", "FromStage", "ToStage") if column in rows.columns]
    rows = rows.with_columns(
        pl.col("Id").str.head(_ID_LENGTH), pl.col(stages).replace(stage_labels(language))
    )
    return rows.rename(lambda column: header_label(column, language))


def _footer(export: Export, title: str, records: int, locale: Locale) -> list[str]:
    made = export.exported.strftime(f"{locale.day} {locale.time}")
    return [
        "",
        f"Grand Totals ({records:,} records)",
        title,
        f"Copyright (c) 2000-{export.exported.year} salesforce.com, inc. All rights reserved.",
        "Confidential Information - Do Not Distribute",
        f"Generated By:  Sales Operations  {made}",
        "Cloud Operations",
    ]
