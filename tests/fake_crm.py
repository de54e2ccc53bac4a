"""A CRM of three tables, small enough to know every figure of its coverage report by heart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from dealtrace_engine.sources.crm.ladder import Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.names import one_of
from dealtrace_engine.sources.crm.stage_names import FormerStage, StageNames
from dealtrace_engine.sources.crm.system import CrmSystem
from dealtrace_engine.sources.crm.tables import CrmTables, Kind, RawExport

CATALOG = {
    "Deal": {
        "Id": Kind.ID, "Stage": Kind.TEXT, "Created": Kind.INSTANT, "Touched": Kind.INSTANT,
        "Amount": Kind.NUMBER, "Currency": Kind.TEXT, "Outcome": Kind.TEXT, "CloseDate": Kind.DATE,
        "Migrated": Kind.BOOLEAN,
    },
    "DealHistory": {
        "Id": Kind.ID, "DealId": Kind.ID, "At": Kind.INSTANT, "Stage": Kind.TEXT, "By": Kind.TEXT,
    },
    "Quote": {"Id": Kind.ID, "DealId": Kind.ID, "Created": Kind.INSTANT, "Status": Kind.TEXT},
    "Prospect": {"Id": Kind.ID, "Created": Kind.INSTANT, "DealId": Kind.ID},
    "Rate": {"Currency": Kind.TEXT, "Rate": Kind.NUMBER},
    "Signature": {"Id": Kind.ID, "DealId": Kind.ID, "On": Kind.DATE},
}  # fmt: skip


def _created(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    return tables.table("Deal").select(
        fact="Id", object=pl.lit("opportunity"), record_id="Id", source_row_id="Id", timestamp="Created",
        amount="Amount", currency="Currency",
    )  # fmt: skip


def _won_in_history(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    won = one_of(pl.col("Stage"), mapping.status("stage.won"))
    return tables.table("DealHistory").filter(won).select(
        fact="DealId", object=pl.lit("opportunity"), record_id="DealId", source_row_id="Id", timestamp="At",
        resource_id="By", stage_to="Stage",
    )  # fmt: skip


def _won_by_date(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    won = tables.table("Deal").filter(pl.col("Outcome") == "Won")
    return won.select(
        fact="Id", object=pl.lit("opportunity"), record_id="Id", source_row_id="Id",
        timestamp=pl.col("CloseDate").cast(pl.Datetime("us", "UTC")), ts_precision=pl.lit("date"),
    )  # fmt: skip


def _stages(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    return tables.table("DealHistory").select(
        fact="DealId", object=pl.lit("opportunity"), record_id="DealId", source_row_id="Id", timestamp="At",
        resource_id="By", stage_to="Stage",
    )  # fmt: skip


def _quoted(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    return tables.table("Quote").select(
        fact="Id", object=pl.lit("quote"), record_id="Id", source_row_id="Id", timestamp="Created"
    )


def _captured(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    return tables.table("Prospect").select(
        fact="Id", object=pl.lit("lead"), record_id="Id", source_row_id="Id", timestamp="Created"
    )


def _signed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    return tables.table("Signature").select(
        fact="Id", object=pl.lit("contract"), record_id="DealId", timestamp=pl.col("On").cast(pl.Datetime)
    )


RULES = (
    Rule("F1", "lead_captured", "Prospect", "created", _captured, needs=("Prospect.Created",)),
    Rule("F1", "opportunity_created", "Deal", "created", _created, needs=("Deal.Created",)),
    Rule("F1", "opportunity_stage_changed", "DealHistory", "history", _stages, needs=("DealHistory.Stage",)),
    Rule("F1", "opportunity_won", "DealHistory", "history", _won_in_history, needs=("DealHistory.Stage",)),
    Rule("F2", "opportunity_won", "Deal", "field", _won_by_date, needs=("Deal.CloseDate",), verified=False),
    Rule("F1", "quote_created", "Quote", "created", _quoted, needs=("Quote.Created",)),
    Rule("F1", "contract_signed", "Signature", "field", _signed, needs=("Signature.On",)),
)


def links(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Deals are cases; quotes and prospects name theirs."""
    own = tables.table("Deal").select(
        object=pl.lit("opportunity"), record_id="Id", case_id="Id", via=pl.lit("Id")
    )
    others = [
        tables.table(name).filter(pl.col("DealId").is_not_null())
        .select(object=pl.lit(what), record_id="Id", case_id="DealId", via=pl.lit(f"{name}.DealId"))
        for name, what in (("Quote", "quote"), ("Prospect", "lead"))
    ]  # fmt: skip
    return pl.concat([own, *others]).with_columns(confidence=pl.lit(1.0)).collect()


def case_table(tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """One row per deal."""
    quotes = tables.table("Quote").group_by("DealId").agg(quote_count=pl.len())
    known = tables.table("DealHistory").select("DealId", has_history=pl.lit(True)).unique()
    custom = {name: pl.col(field.partition(".")[2]) for field, name in mapping.fields.items()}
    return (
        tables.table("Deal").join(quotes, left_on="Id", right_on="DealId", how="left")
        .join(known, left_on="Id", right_on="DealId", how="left")
        .select(
            case_id="Id", amount="Amount", currency="Currency", outcome="Outcome", created="Created",
            is_migrated="Migrated", quote_count=pl.col("quote_count").fill_null(0),
            has_history=pl.col("has_history").fill_null(False), **custom,
        ).sort("case_id").collect()
    )  # fmt: skip


def unmapped(tables: CrmTables, mapping: CrmMapping) -> dict[str, dict[str, int]]:
    """Say that every prospect is a mystery."""
    return {"Prospect.Status": {"odd": tables.rows("Prospect")}} if tables.rows("Prospect") else {}


def raw_of(frames: Mapping[str, object], mapping: CrmMapping | None = None) -> RawExport:
    """Return the tables of a caller as an export."""
    lazy = {name: pl.DataFrame(columns).lazy() for name, columns in frames.items()}
    return RawExport("salesforce", "tables", "memory", lazy)


def recognise(path: Path) -> str | None:
    """Every folder with a Deal.csv is an export."""
    return "folder" if (path / "Deal.csv").exists() else None


def read_raw(path: Path, shape: str, mapping: CrmMapping) -> RawExport:
    """Read the CSV files of a folder."""
    frames = {file.stem: pl.scan_csv(file, infer_schema=False) for file in sorted(path.glob("*.csv"))}
    others = {name: [column for column in frame.collect_schema() if column not in CATALOG[name]]
              for name, frame in frames.items() if name in CATALOG}  # fmt: skip
    return RawExport("salesforce", shape, str(path), frames, other_columns=others)


def write_folder(path: Path, frames: Mapping[str, Mapping[str, list[object]]]) -> Path:
    """Write tables as an export that `read_raw` reads."""
    path.mkdir()
    for name, columns in frames.items():
        pl.DataFrame(columns).write_csv(path / f"{name}.csv", quote_style="always")
    return path


def stage_names(tables: CrmTables, mapping: CrmMapping) -> StageNames:
    former = [
        FormerStage("Lead In", date(2024, 1, 2), "Prospecting"),
        FormerStage("Demo", date(2024, 1, 3), None),
    ]
    return StageNames(["Prospecting", "Closed Won"], former)


SYSTEM = CrmSystem(
    name="salesforce", catalog=CATALOG, rules=RULES, links=links, case_table=case_table,
    recognise=recognise, read_raw=read_raw, from_frames=raw_of, shapes=("folder",),
    history={"DealHistory": "At"}, stamps=("Touched",), leads=("Prospect", "Id"), rates=("Rate",),
    unmapped=unmapped, stages=stage_names, statuses={"Quote.Status": "quote", "Deal.Stage": "stage"},
)  # fmt: skip

D1, D2, D3 = "006000000000001AAA", "006000000000002AAA", "006000000000003AAA"
FRAMES: dict[str, dict[str, list[object]]] = {
    "Deal": {
        "Id": [D1, D2, D3],
        "Stage": ["Closed Won", "Closed Won", "Prospecting"],
        "Created": ["2024-01-01 10:00:00", "2024-03-01 10:00:00", "2024-03-02 10:00:00"],
        "Touched": ["2024-05-01 00:00:00", "2024-04-01 00:00:00", ""],
        "Amount": ["100", "20.5", ""],
        "Currency": ["EUR", "USD", "EUR"],
        "Outcome": ["Won", "Won", "Open"],
        "CloseDate": ["2024-03-20", "2024-03-25", "2024-09-30"],
        "Migrated": ["0", "0", "1"],
    },
    "DealHistory": {
        "Id": ["h1", "h2", "h3"],
        "DealId": [D1, D1, D3],
        "At": ["2024-03-05 12:00:00", "2024-03-20 09:00:00", "2024-03-02 10:00:00"],
        "Stage": ["Negotiation", "Closed Won", "Prospecting"],
        "By": ["ann", "bob", "ann"],
    },
    "Quote": {
        "Id": ["q1", "q2", "q3"],
        "DealId": [D1, D1, ""],
        "Created": ["2024-03-06 08:00:00", "2024-03-07 08:00:00", "2024-03-07 09:00:00"],
        "Status": ["Needs Review", "Accepted", "Weird"],
    },
    "Prospect": {
        "Id": ["p1", "p2"],
        "Created": ["2023-12-24 08:00:00", "2024-06-01 08:00:00"],
        "DealId": [D1, ""],
    },
}  # fmt: skip
