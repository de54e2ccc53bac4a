"""The Salesforce tables of what changed: snapshots of opportunities, and the history of tracked fields.

Field history is kept for months only and says nothing of the time before it was switched on; snapshots stay.
A changed lookup leaves two rows, one with names and one with ids; a changed long text a row without values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.salesforce_fields import OPPORTUNITY_HISTORY
from dealtrace_engine.synthetic.crm.salesforce_org import LEAD_STATUSES, TRACKED
from dealtrace_engine.synthetic.crm.salesforce_rows import constant, laid_out, looked_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from dealtrace_engine.synthetic.crm.salesforce_org import SalesforceOrg

_FIELDS = {"stage": "StageName", "amount": "Amount", "close_date": "CloseDate", "status": "Status",
           "discount_pct": "Discount", "total": "GrandTotal"}  # fmt: skip
_TYPES = {"StageName": "DynamicEnum", "Status": "DynamicEnum", "Amount": "Currency", "GrandTotal": "Currency",
          "CloseDate": "DateOnly", "Discount": "Double"}  # fmt: skip
_NOTES_MODULUS, _IDLE_MODULUS = 12, 9
"""One record in so many has a long text changed; one snapshot in so many is repeated without a change."""


def history_tables(org: SalesforceOrg) -> dict[str, pl.DataFrame]:
    """Return the tables by the name of their object."""
    import polars as pl

    tables = {
        "LeadHistory": _history(
            org, "Lead", "lead", "leads", "captured", "captured_by", list(_of_leads(org))
        ),
        "OpportunityFieldHistory": _history(
            org, "Opportunity", "opportunity", "opportunities", "created", "created_by", list(_of_deals(org))
        ),
        "QuoteHistory": _history(org, "Quote", "root", "quotes", "created", "created_by", [_of_quotes(org)]),
    }
    for name in ("contract", "order", "invoice"):
        rows = [
            _changes(org, name).filter(pl.col("new") != "Paid")
        ]  # no status here, but what payments settle
        tables[f"{name.title()}History"] = _history(
            org, name.title(), name, f"{name}s", "created", "created_by", rows
        )
    return tables | {"OpportunityHistory": _snapshots(org), "FieldHistory": _tracked(org)}


def _changes(org: SalesforceOrg, object_name: str) -> pl.DataFrame:
    """Return the changes of an object as record, Field, DataType, old, new, at and by."""
    import polars as pl

    changes = org.facts["changes"].filter(
        (pl.col("object") == object_name) & pl.col("field").is_in(list(_FIELDS))
    )
    field = pl.col("field").replace_strict(_FIELDS, default=None, return_dtype=pl.String)
    return changes.select(
        "record", field.alias("Field"), field.replace_strict(_TYPES, default=None, return_dtype=pl.String)
        .alias("DataType"), "old", "new", "at", "by",
    )  # fmt: skip


def _token(frame: pl.DataFrame, record: str, token: str, at: str, by: str) -> pl.DataFrame:
    """Return a row without values for each record that has a time."""
    import polars as pl

    nothing = pl.lit(None, pl.String)
    return frame.filter(pl.col(at).is_not_null()).select(
        pl.col(record).alias("record"), pl.lit(token).alias("Field"), pl.lit("Text").alias("DataType"),
        nothing.alias("old"), nothing.alias("new"), pl.col(at).alias("at"), pl.col(by).alias("by"),
    )  # fmt: skip


def _owners(org: SalesforceOrg, frame: pl.DataFrame, field: str) -> list[pl.DataFrame]:
    """Return the two rows that each change of owner leaves, with names and with ids."""
    import polars as pl

    names, rows = org.facts["users"].select("user", "name"), []
    for kind in ("Text", "EntityId"):
        old, new = (
            looked_up(frame[column], names, "user", "name") if kind == "Text" else org.users(frame[column])
            for column in ("old", "new")
        )
        rows.append(
            frame.select(
                "record", pl.lit(field).alias("Field"), pl.lit(kind).alias("DataType"), old.alias("old"),
                new.alias("new"), "at", "by",
            )
        )  # fmt: skip
    return rows


def _of_leads(org: SalesforceOrg) -> Iterator[pl.DataFrame]:
    import polars as pl

    leads = org.facts["leads"]
    statuses = _changes(org, "lead")
    yield statuses.with_columns(pl.col("old", "new").replace_strict(LEAD_STATUSES))
    yield _token(leads, "lead", "created", "captured", "captured_by")
    yield _token(leads, "lead", "leadConverted", "converted", "converted_by")
    merged = leads.filter(pl.col("merged_into").is_not_null())
    yield _token(merged, "merged_into", "leadMerged", "merged", "owner")
    sdr = pl.coalesce("qualified_by", "disqualified_by", pl.when(pl.col("converted").is_null()).then("owner"))
    assigned = leads.select(record="lead", old="captured_by", new=sdr, at="captured", by="captured_by")
    yield from _owners(org, assigned.filter(pl.col("new").is_not_null()), "ownerAssignment")


def _of_deals(org: SalesforceOrg) -> Iterator[pl.DataFrame]:
    import polars as pl

    deals, changes = org.facts["opportunities"], org.facts["changes"]
    yield _changes(org, "opportunity")
    from_lead = pl.col("created_from_lead")
    yield _token(deals.filter(~from_lead), "opportunity", "created", "created", "created_by")
    yield _token(
        deals.filter(from_lead), "opportunity", "opportunityCreatedFromLead", "created", "created_by"
    )
    noted = deals.filter(pl.col("opportunity") % _NOTES_MODULUS == 0)
    text = _token(noted, "opportunity", "Description", "closed", "owner").with_columns(
        DataType=pl.lit("TextArea")
    )
    yield text
    owners = changes.filter((pl.col("object") == "opportunity") & (pl.col("field") == "owner"))
    yield from _owners(org, owners.with_columns(pl.col("old", "new").cast(pl.Int64)), "Owner")


def _of_quotes(org: SalesforceOrg) -> pl.DataFrame:
    """Return the changes of quotes: a revision sets the quote it revises back to a draft."""
    import polars as pl

    changes = _changes(org, "quote").with_columns(pl.col("new").replace("Revised", "Draft"))
    changes = changes.filter((pl.col("Field") != "Status") | (pl.col("old") != pl.col("new")))
    return changes.with_columns(record=looked_up(changes["record"], org.facts["quotes"], "quote", "root"))


def _history(
    org: SalesforceOrg, name: str, key: str, frame: str, created: str, by: str, rows: list[pl.DataFrame]
) -> pl.DataFrame:
    """Return a history table of the rows that are recent enough, in the order of time."""
    import polars as pl

    if key not in ("lead", "opportunity"):
        rows = [_token(_first_rows(org.facts[frame], key), key, "created", created, by), *rows]
    deleted = _deleted(org, frame, key)
    history = pl.concat(rows).filter(pl.col("at") >= org.setup.horizon(name))
    history = history.sort("at", maintain_order=True)
    own = f"{name}FieldHistory" if name == "Opportunity" else f"{name}History"
    return laid_out(
        {
            "Id": org.ids.numbered(own, len(history)),
            "IsDeleted": history["record"].is_in(deleted.implode()),
            f"{name}Id": org.ids.of(name, history["record"]),
            "CreatedById": org.users(history["by"]),
            "CreatedDate": history["at"],
            "Field": history["Field"],
            "DataType": history["DataType"],
            "OldValue": history["old"],
            "NewValue": history["new"],
        }
    )


def _first_rows(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.unique(key, keep="first", maintain_order=True)


def _deleted(org: SalesforceOrg, frame: str, key: str) -> pl.Series:
    import polars as pl

    gone = {"leads": pl.col("merged_into").is_not_null(), "opportunities": pl.col("deleted")}
    return org.facts[frame].filter(gone.get(frame, pl.lit(False)))[key]


def _snapshots(org: SalesforceOrg) -> pl.DataFrame:
    """Return the state of each opportunity at its creation, after every change, and sometimes in between."""
    import polars as pl

    rows = _renamed(_with_idle_rows(_states(org)))
    deals = org.facts["opportunities"]
    rows = rows.join(
        deals.select("opportunity", "currency", "deleted"), on="opportunity", maintain_order="left"
    )
    place = _places(rows["stage"])
    percent = pl.Series([float(p) for p in company.PROBABILITIES]).gather(place)
    amount = rows["amount"].cast(pl.Float64)
    return laid_out(
        {
            "Id": org.ids.numbered("OpportunityHistory", len(rows)),
            "IsDeleted": rows["deleted"],
            "OpportunityId": org.ids.of("Opportunity", rows["opportunity"]),
            "CreatedById": org.users(rows["by"]),
            "CreatedDate": rows["at"],
            "CreatedDateForInsert": rows["at"],
            "StageName": rows["stage"],
            "Amount": amount,
            "CurrencyIsoCode": rows["currency"],
            "ExpectedRevenue": (amount * percent / 100).round(2),
            "CloseDate": rows["close_date"].str.to_date("%Y-%m-%d"),
            "Probability": percent,
            "ForecastCategory": pl.Series(company.FORECASTS).gather(place),
            "FromForecastCategory": pl.Series(company.FORECASTS).gather(_places(rows["previous"])),
            "FromOpportunityStageName": rows["previous"],
            "PrevAmount": rows["prev_amount"].cast(pl.Float64),
            "PrevCloseDate": rows["prev_close_date"].str.to_date("%Y-%m-%d"),
            "SystemModstamp": rows["at"],
        },
        OPPORTUNITY_HISTORY,
    )


def _places(stages: pl.Series) -> pl.Series:
    """Return the places of stages in their order, also under their old names."""
    import polars as pl

    names = [*company.STAGES, company.RENAMED_STAGE[1]]
    places = [*range(len(company.STAGES)), company.RENAMED_STAGE[0]]
    return stages.replace_strict(names, places, default=None, return_dtype=pl.Int64)


def _states(org: SalesforceOrg) -> pl.DataFrame:
    """Return opportunity, at, by, stage, amount, close_date (texts) as they were from then on."""
    import polars as pl

    deals = org.facts["opportunities"]
    fields = ("stage", "amount", "close_date")
    of_deals = (pl.col("object") == "opportunity") & pl.col("field").is_in(fields)
    changes = org.facts["changes"].filter(of_deals).rename({"record": "opportunity"})
    first = deals.select(
        "opportunity", at="created", by="created_by", rank=pl.lit(-1, pl.Int64), stage="stage",
        amount=pl.col("amount").cast(pl.Decimal(18, 2)).cast(pl.String),
        close_date=pl.col("close_date").cast(pl.String),
    )  # fmt: skip
    for field in fields:
        before = (
            changes.filter(pl.col("field") == field).group_by("opportunity").agg(before=pl.col("old").first())
        )
        first = first.join(before, on="opportunity", how="left").with_columns(
            pl.coalesce("before", field).alias(field)
        ).drop("before")  # fmt: skip
    values = [pl.when(pl.col("field") == field).then("new").alias(field) for field in fields]
    later = changes.select("opportunity", "at", "by", "rank", *values)
    later = later.group_by("opportunity", "at", "rank").agg(
        pl.col("by").first(), *(pl.col(field).drop_nulls().last() for field in fields)
    )
    states = pl.concat([first, later.select(first.columns)]).sort("opportunity", "at", "rank")
    return states.with_columns(pl.col(field).forward_fill().over("opportunity") for field in fields)


def _with_idle_rows(states: pl.DataFrame) -> pl.DataFrame:
    """Repeat some rows half-way to the next, as an edit of nothing that counts does."""
    import polars as pl

    states = states.with_columns(
        until=pl.col("at").shift(-1).over("opportunity"),
        number=pl.int_range(pl.len(), dtype=pl.Int64),
        **{
            name: pl.col(column).shift(1).over("opportunity")
            for name, column in (
                ("previous", "stage"),
                ("prev_amount", "amount"),
                ("prev_close_date", "close_date"),
            )
        },
    )
    gap = pl.col("until") - pl.col("at")
    idle = states.filter((gap > pl.duration(minutes=10)) & (pl.col("number") % _IDLE_MODULUS == 0))
    idle = idle.with_columns(
        at=pl.col("at") + (gap.dt.total_seconds() // 2 * 1_000_000).cast(pl.Duration("us")),
        previous="stage", prev_amount="amount", prev_close_date="close_date",
    )  # fmt: skip
    return pl.concat([states, idle]).sort("at", "opportunity", "rank", maintain_order=True)


def _renamed(rows: pl.DataFrame) -> pl.DataFrame:
    """Give a stage its new name in what is written after it was renamed, though nothing else changed."""
    import polars as pl

    place, old_name = company.RENAMED_STAGE
    old = (pl.col("stage") == old_name) & (pl.col("at").dt.date() >= company.STAGE_RENAMED)
    return rows.with_columns(stage=pl.when(old).then(pl.lit(company.STAGES[place])).otherwise("stage"))


def _tracked(org: SalesforceOrg) -> pl.DataFrame:
    """Return which fields of which objects are tracked."""
    import polars as pl

    rows = [(name, field) for name, fields in TRACKED.items() for field in fields]
    created = constant(org.facts["accounts"]["created"].min(), len(rows))
    return laid_out(
        {
            "Id": org.ids.numbered("FieldHistory", len(rows)),
            "TableEnumOrId": [name for name, _ in rows],
            "FieldEnumOrId": [field for _, field in rows],
            "CreatedById": org.users(pl.Series([company.SYSTEM_USER] * len(rows))),
            "CreatedDate": created,
        }
    )
