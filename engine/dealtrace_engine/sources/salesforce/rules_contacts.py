"""Rules on contacts with customers: the first of each case, and, if asked for, each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.contacts import contacts
from dealtrace_engine.sources.salesforce.links import links_of

if TYPE_CHECKING:
    import polars as pl

WAYS = {
    "SF1": ("field", "Event", ("Event.StartDateTime", "Task.CompletedDateTime", "EmailMessage.MessageDate")),
    "SF2": ("created", "Task", ("Task.CreatedDate",)),
    "SF3": ("field", "Task", ("Task.ActivityDate",)),
}
"""Ways to date a contact: quality, object and needs of their rules."""


def first_contact(way: str) -> Finder:
    """Return the finder of cases whose first contact is dated in one of the `WAYS`.

    The first is the first of all contacts whose ways are used; it is told of the case, not of the contact,
    which may belong to several cases of which it is the first in one only.
    """

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        rows = tables.once(f"first contacts {mapping!r}", lambda: _firsts(tables, mapping))
        return rows.filter(pl.col("way") == way).select(
            "source_object", fact="case_id", object=pl.lit(mapping.leading), record_id="case_id",
            timestamp="at", end_timestamp="end", ts_precision="precision", resource_id="by",
            source_row_id="contact",
        )  # fmt: skip

    return find


def _firsts(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the first contact of each case among those whose ways are used."""
    import polars as pl

    used = [known for known in mapping.ladders.get("first_customer_contact", WAYS) if known in WAYS]
    of_case = links_of(tables, mapping).filter(pl.col("object") == "contact")
    rows = contacts(tables, mapping).filter(pl.col("way").is_in(used))
    rows = rows.join(of_case.select("case_id", contact="record_id"), on="contact")
    last = pl.when(pl.col("precision") == "date").then(pl.col("at") + pl.duration(days=1)).otherwise("at")
    return rows.sort(last, "contact").group_by("case_id", maintain_order=True).first()


def contact(way: str) -> Finder:
    """Return the finder of further contacts in one of the `WAYS`, if the mapping asks for every contact.

    A contact that is the first of every case that it belongs to is told as that only.
    """

    def find(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
        import polars as pl

        wanted = pl.lit(mapping.every_contact) & (pl.col("way") == way)
        return _further(tables, mapping).filter(wanted).select(
            "source_object", fact="contact", object=pl.lit("contact"), record_id="contact", timestamp="at",
            end_timestamp="end", ts_precision="precision", resource_id="by", source_row_id="contact",
        )  # fmt: skip

    return find


def _further(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the contacts that are not the first of all their cases."""
    import polars as pl

    firsts = tables.once(f"first contacts {mapping!r}", lambda: _firsts(tables, mapping))
    told = firsts.select("case_id", "contact")
    of_case = links_of(tables, mapping).filter(pl.col("object") == "contact")
    linked = of_case.select("case_id", contact="record_id")
    later = linked.join(told, on=["case_id", "contact"], how="anti")
    only_first = told.join(later, on="contact", how="anti")
    return contacts(tables, mapping).join(only_first, on="contact", how="anti")


RULES = tuple(
    Rule(way, activity, source, quality, finder(way), needs)
    for activity, finder in (("first_customer_contact", first_contact), ("customer_contact", contact))
    for way, (quality, source, needs) in WAYS.items()
)
