"""Rules on contacts with customers: the first of each case, and, if asked for, each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ladder import Finder, Rule
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.contact_roles import ROLES, RULE, VIA, asked_for_roles
from dealtrace_engine.sources.salesforce.contacts import contacts
from dealtrace_engine.sources.salesforce.links import links_of

if TYPE_CHECKING:
    import polars as pl

FIRST = "first_customer_contact"
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

        return _told(_known_firsts(tables, mapping).filter(pl.col("way") == way)).with_columns(
            object=pl.lit(mapping.leading), record_id="fact"
        )

    return find


def first_by_role(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the first contact of each case that has none but with people who have a role in it.

    It is told of the contact, which has this case only, with the confidence of its link.
    """
    import polars as pl

    rows = _known_firsts(tables, mapping).filter(pl.col("way") == RULE)
    return _told(rows).with_columns(object=pl.lit("contact"), record_id="source_row_id")


def _told(firsts: pl.LazyFrame) -> pl.LazyFrame:
    return firsts.select(
        "source_object", fact="case_id", timestamp="at", end_timestamp="end", ts_precision="precision",
        resource_id="by", source_row_id="contact",
    )  # fmt: skip


def _known_firsts(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    return tables.once(f"first contacts {mapping!r}", lambda: _firsts(tables, mapping))


def _firsts(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return the first contact of each case among those whose ways are used; by role, where it has none."""
    import polars as pl

    used = [known for known in mapping.ladders.get(FIRST, WAYS) if known in WAYS]
    by_role = pl.col("via") == VIA
    of_case = links_of(tables, mapping).filter(pl.col("object") == "contact")
    firsts = _first_of_each(tables, mapping, of_case.filter(~by_role), used)
    if not asked_for_roles(mapping):
        return firsts
    more = _first_of_each(tables, mapping, of_case.filter(by_role), used or list(WAYS))
    more = more.join(firsts, on="case_id", how="anti").with_columns(way=pl.lit(RULE))
    return pl.concat([firsts, more])


def _first_of_each(
    tables: CrmTables, mapping: CrmMapping, of_case: pl.LazyFrame, ways: Sequence[str]
) -> pl.LazyFrame:
    import polars as pl

    rows = contacts(tables, mapping).filter(pl.col("way").is_in(ways))
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

    told = _known_firsts(tables, mapping).select("case_id", "contact")
    of_case = links_of(tables, mapping).filter(pl.col("object") == "contact")
    linked = of_case.select("case_id", contact="record_id")
    later = linked.join(told, on=["case_id", "contact"], how="anti")
    only_first = told.join(later, on="contact", how="anti")
    return contacts(tables, mapping).join(only_first, on="contact", how="anti")


RULES = (
    *(
        Rule(way, activity, source, quality, finder(way), needs)
        for activity, finder in ((FIRST, first_contact), ("customer_contact", contact))
        for way, (quality, source, needs) in WAYS.items()
    ),
    Rule(
        RULE, FIRST, "Event", "field", first_by_role,
        ("Task.WhoId", "Event.WhoId", f"{ROLES}.OpportunityId", f"{ROLES}.ContactId"),
        default=False, verified=False,
    ),
)  # fmt: skip
"""The last is used if the mapping says so: that people were met about the deal in which they have a role is
inferred."""
