"""Rules on quotes, standard ones and those of CPQ: created, issued, revised, accepted, rejected, expired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.evidence import alive, creations, exported, having, midnight
from dealtrace_engine.sources.salesforce.transitions import (
    as_events,
    changes,
    last_touched,
    status_changes,
)

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class QuoteObject:
    """One of the two objects that quotes are in, and what its columns are called.

    Attributes
    ----------
    name, history : str
        The object, and that of its changes.
    suffix : str
        Of the ids of its rules.
    status, opportunity, discount, total, expires : str
        Columns.
    terms : tuple of str
        Fields that make up the terms: a quote in which one changes after it was issued is revised.
    """

    name: str
    history: str
    suffix: str
    status: str
    opportunity: str
    discount: str
    total: str
    expires: str
    terms: tuple[str, ...]


STANDARD = QuoteObject(
    "Quote", "QuoteHistory", "", "Status", "OpportunityId", "Discount", "GrandTotal", "ExpirationDate",
    ("GrandTotal", "Discount", "TotalPrice", "LineItemCount"),
)  # fmt: skip
CPQ = QuoteObject(
    "SBQQ__Quote__c", "SBQQ__Quote__History", "C", "SBQQ__Status__c", "SBQQ__Opportunity2__c",
    "SBQQ__CustomerDiscount__c", "SBQQ__NetAmount__c", "SBQQ__ExpirationDate__c",
    ("SBQQ__NetAmount__c", "SBQQ__CustomerDiscount__c"),
)  # fmt: skip
QUOTES = (STANDARD, CPQ)
ORDERED = "SBQQ__Ordered__c"
BEFORE_REVISION = (
    "quote.issued", "quote.approved", "quote.internally_rejected", "quote.in_approval", "quote.rejected",
    "quote.accepted",
)  # fmt: skip
"""Statuses from which going back to a draft is a revision."""


def created(quote: QuoteObject) -> Finder:
    """Return the finder of quotes' creations."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        return creations(
            tables, quote.name, "quote", amount=pl.col(quote.total), currency=pl.col("CurrencyIsoCode"),
            discount_pct=pl.col(quote.discount),
        )  # fmt: skip

    return find


def into_status(quote: QuoteObject, key: str) -> Finder:
    """Return the finder of changes into a status, with amount and discount of the quote."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        events = status_changes(tables, mapping, quote.name, "quote", key, quote.status)
        return _with_terms(events, tables, quote)

    return find


def _with_terms(events: pl.LazyFrame, tables: CrmTables, quote: QuoteObject) -> pl.LazyFrame:
    terms = tables.table(quote.name).select(
        record_id="Id", amount=quote.total, discount_pct=quote.discount, currency="CurrencyIsoCode"
    )
    return events.join(terms, on="record_id", how="left", maintain_order="left")


def mailed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the first mail to the customer about each quote."""
    import polars as pl

    quotes = pl.concat([alive(tables, quote.name).select("Id") for quote in QUOTES])
    mails = alive(tables, "EmailMessage").filter(~pl.col("Incoming").fill_null(True))
    mails = mails.join(quotes, left_on="RelatedToId", right_on="Id", how="semi").sort("MessageDate", "Id")
    return mails.group_by("RelatedToId", maintain_order=True).first().select(
        fact="RelatedToId", object=pl.lit("quote"), record_id="RelatedToId", timestamp="MessageDate",
        resource_id="CreatedById", source_row_id="Id",
    )  # fmt: skip


def printed(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the first document that was made of each quote."""
    import polars as pl

    documents = alive(tables, "QuoteDocument").sort("CreatedDate", "Id")
    return documents.group_by("QuoteId", maintain_order=True).first().select(
        fact="QuoteId", object=pl.lit("quote"), record_id="QuoteId", timestamp="CreatedDate",
        resource_id="CreatedById", source_row_id="Id", amount="GrandTotal", discount_pct="Discount",
    )  # fmt: skip


def in_status_now(quote: QuoteObject, *keys: str) -> Finder:
    """Return the finder of the last change of quotes that are in a status now, with amount and discount."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        return _with_terms(
            last_touched(tables, mapping, quote.name, "quote", keys, quote.status), tables, quote
        )

    return find


def revised(quote: QuoteObject) -> Finder:
    """Return the finder of quotes that went back to a draft, or whose terms changed after they were issued.

    What one user saves at one instant is one revision, however many fields it changes.
    """

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        issued = into_status(quote, "quote.issued")(tables, mapping)
        issued = issued.group_by("record_id").agg(issued=pl.col("timestamp").min())
        terms = changes(tables, quote.name, *quote.terms).join(issued, on="record_id")
        terms = terms.filter(pl.col("at") > pl.col("issued")).drop("issued")
        back = changes(tables, quote.name, quote.status)
        left = having(back, "from", [name for key in BEFORE_REVISION for name in mapping.status(key)])
        draft = having(back, "to", mapping.status("quote.draft"))
        drafts_left = having(back, "from", mapping.status("quote.draft"))
        back = back.filter(
            pl.col("from").is_in(left) & pl.col("to").is_in(draft) & ~pl.col("from").is_in(drafts_left)
        )
        both = pl.concat([back, terms]).sort("at", "source_row")
        both = both.group_by("record_id", "at", "by", maintain_order=True).first()
        status = pl.col("field") == quote.status
        events = as_events(both, "quote", status_from=pl.when(status).then("from"),
                           status_to=pl.when(status).then("to"))  # fmt: skip
        return _with_terms(events, tables, quote)

    return find


def further(quote: QuoteObject) -> Finder:
    """Return the finder of the second and further quotes of opportunities, in the order of their creation.

    Only where no history of quotes is kept: where it is, it tells revisions from quotes side by side.
    """

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = alive(tables, quote.name).filter(pl.col(quote.opportunity).is_not_null())
        rows = rows.sort(quote.opportunity, "CreatedDate", "Id")
        later = pl.col(quote.opportunity) == pl.col(quote.opportunity).shift(1)
        kept = tables.table(quote.history).limit(1).collect().height > 0
        return rows.filter(later.fill_null(False) & pl.lit(not kept)).select(
            fact="Id", object=pl.lit("quote"), record_id="Id",
            timestamp="CreatedDate", resource_id="CreatedById", resource_name="CreatedBy.Name",
            source_row_id="Id", amount=quote.total, discount_pct=quote.discount, currency="CurrencyIsoCode",
        )  # fmt: skip

    return find


def ordered(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return when the box "ordered" of CPQ quotes was ticked."""
    import polars as pl

    rows = changes(tables, "SBQQ__Quote__c", ORDERED)
    ticked = pl.col("to").str.to_lowercase().is_in(["true", "1"])
    return _with_terms(as_events(rows.filter(ticked), "quote"), tables, CPQ)


def discount_changed(quote: QuoteObject) -> Finder:
    """Return the finder of changes of the discount."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = changes(tables, quote.name, quote.discount)
        return as_events(rows, "quote", discount_pct=pl.col("to").cast(pl.Float64, strict=False))

    return find


def expired(quote: QuoteObject) -> Finder:
    """Return the finder of quotes whose last day passed while they were still open."""

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows, end = alive(tables, quote.name), exported(tables)
        decided = having(
            rows, quote.status, [*mapping.status("quote.accepted"), *mapping.status("quote.rejected")]
        )
        past = pl.col(quote.expires) < pl.lit(end, pl.Datetime("us", "UTC")).dt.date()
        return rows.filter(past & ~pl.col(quote.status).is_in(decided).fill_null(False)).select(
            fact="Id", object=pl.lit("quote"), record_id="Id", timestamp=midnight(quote.expires),
            ts_precision=pl.lit("date"), source_row_id="Id",
        )  # fmt: skip

    return find


def _rules(quote: QuoteObject) -> list[Rule]:
    """Return the ladders of one of the two objects; rules on CPQ end in C."""
    name, history, end = quote.name, quote.history, quote.suffix
    changed = (f"{history}.NewValue",)
    status = (f"{name}.{quote.status}", f"{name}.LastModifiedDate")
    return [
        Rule(f"SF1{end}", "quote_created", name, "created", created(quote), (f"{name}.CreatedDate",)),
        Rule(f"SF1{end}", "quote_issued", history, "history", into_status(quote, "quote.issued"), changed),
        Rule(f"SF4{end}", "quote_issued", name, "modified",
             in_status_now(quote, "quote.issued", "quote.accepted", "quote.rejected"), status,
             default=False),
        Rule(f"SF1{end}", "quote_revised", history, "history", revised(quote), changed),
        Rule(f"SF2{end}", "quote_revised", name, "inferred", further(quote), (f"{name}.{quote.opportunity}",),
             verified=False),
        Rule(f"SF1{end}", "quote_accepted", history, "history", into_status(quote, "quote.accepted"),
             changed),
        Rule(f"SF2{end}", "quote_accepted", name, "modified", in_status_now(quote, "quote.accepted"),
             status, default=False),
        Rule(f"SF1{end}", "quote_rejected", history, "history", into_status(quote, "quote.rejected"), changed,
             verified=False),
        Rule(f"SF1{end}", "discount_changed", history, "history", discount_changed(quote), changed),
        Rule(f"SF1{end}", "quote_expired", name, "inferred", expired(quote), (f"{name}.{quote.expires}",),
             default=False, verified=False),
    ]  # fmt: skip


RULES = (
    *_rules(STANDARD),
    *_rules(CPQ),
    Rule("SF1O", "quote_accepted", CPQ.history, "history", ordered, (f"{CPQ.history}.NewValue",),
         verified=False),
    Rule("SF2", "quote_issued", "EmailMessage", "field", mailed,
         ("EmailMessage.RelatedToId", "EmailMessage.MessageDate", "EmailMessage.Incoming")),
    Rule("SF3", "quote_issued", "QuoteDocument", "created", printed, ("QuoteDocument.CreatedDate",)),
)  # fmt: skip
