"""The facts of a synthetic organisation: references, orders of times, and what the truth says of them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from dealtrace_engine.errors import ArgumentError
from dealtrace_engine.sources.labels import activity_ids
from dealtrace_engine.synthetic.clock import EXPORTED
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.facts import facts

KEYS = {
    "users": "user", "accounts": "account", "persons": "person", "products": "product",
    "campaigns": "campaign", "leads": "lead", "opportunities": "opportunity", "quotes": "quote",
    "contracts": "contract", "orders": "order", "invoices": "invoice",
    "payments": "payment", "approvals": "approval", "contacts": "contact",
    "support_cases": "case", "responses": "response", "reminders": "reminder", "opportunity_lines": "line",
    "quote_lines": "line", "order_lines": "line",
}  # fmt: skip
USERS = (
    "owner",
    "by",
    "created_by",
    "captured_by",
    "converted_by",
    "approver",
    "manager",
    "sent_by",
    "decided_by",
)


@pytest.fixture(scope="module")
def made():
    return facts(3000, seed=3)


def test_the_same_seed_gives_the_same_facts():
    one, other = facts(300, seed=5), facts(300, seed=5)
    assert all(frame.equals(other[name]) for name, frame in one.frames.items())
    assert not facts(300, seed=6)["truth"].equals(one["truth"])


@pytest.mark.parametrize(("deals", "seed"), [(0, 1), (10, -1), (10, 1 << 63), (1 << 40, 1)])
def test_numbers_out_of_range_are_refused(deals, seed):
    with pytest.raises(ArgumentError):
        facts(deals, seed)


@pytest.mark.parametrize(("name", "key"), KEYS.items())
def test_keys_are_unique(made, name, key):
    assert made[name][key].is_unique().all()
    assert made[name][key].null_count() == 0


def test_references_point_to_records(made):
    owner = {key: frame for frame, key in KEYS.items() if key not in ("user", "case", "line")}
    for name, frame in made.frames.items():
        if name in ("truth", "changes"):
            continue
        for column in frame.columns:
            target, users = owner.get(column), column in USERS
            if target and target != name:
                assert frame[column].drop_nulls().is_in(made[target][column].implode()).all(), (name, column)
            if users:
                assert frame[column].drop_nulls().is_in(made["users"]["user"].implode()).all(), (name, column)


def test_changes_chain_and_end_in_the_present(made):
    changes = made["changes"]
    chained = changes.with_columns(before=pl.col("new").shift().over("object", "record", "field"))
    chained = chained.filter(pl.col("before").is_not_null() & (pl.col("field") != "discount_pct"))
    chained = chained.filter(pl.col("field") != "total")
    renamed = company.RENAMED_STAGE[1]
    broken = chained.filter((pl.col("before") != pl.col("old")) & (pl.col("before") != renamed))
    assert broken.is_empty()
    assert changes.filter(pl.col("old") == pl.col("new")).is_empty()
    for name, object_name, field in (
        ("opportunities", "opportunity", "stage"), ("quotes", "quote", "status"),
        ("orders", "order", "status"), ("contracts", "contract", "status"),
        ("invoices", "invoice", "status"), ("leads", "lead", "status"),
    ):  # fmt: skip
        last = changes.filter((pl.col("object") == object_name) & (pl.col("field") == field))
        last = last.group_by("record").agg(pl.col("new").last())
        now = made[name].select(record=object_name, now=field).join(last, on="record")
        assert now.filter((pl.col("now") != pl.col("new")) & (pl.col("new") != renamed)).is_empty(), name
        assert len(now) > 100


def test_stages_go_where_they_were_not_before_the_rename(made):
    at = pl.lit(company.STAGE_RENAMED).cast(pl.Datetime("us", "UTC"))
    stages = made["changes"].filter(pl.col("field") == "stage")
    new, old = company.STAGES[company.RENAMED_STAGE[0]], company.RENAMED_STAGE[1]
    assert stages.filter((pl.col("new") == old) & (pl.col("at") >= at)).is_empty()
    assert stages.filter((pl.col("new") == new) & (pl.col("at") < at)).is_empty()
    assert not stages.filter(pl.col("new") == old).is_empty()


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("leads", ("captured", "qualified", "converted")),
        ("leads", ("captured", "merged")),
        ("opportunities", ("created", "closed")),
        ("quotes", ("created", "issued", "accepted")),
        ("quotes", ("created", "rejected", "revised")),
        ("contracts", ("created", "requested", "approved", "activated")),
        ("orders", ("created", "activated", "partially_fulfilled", "fulfilled", "closed")),
        ("orders", ("created", "activated", "canceled")),
        ("invoices", ("created", "sent", "paid")),
        ("approvals", ("requested", "decided")),
        ("contacts", ("at", "ended")),
        ("support_cases", ("opened", "closed")),
    ],
)
def test_times_of_a_record_do_not_fall(made, name, columns):
    for place, before in enumerate(columns):
        for after in columns[place + 1 :]:
            assert made[name].filter(pl.col(after) < pl.col(before)).is_empty(), (before, after)


def test_nothing_happens_after_the_export(made):
    end = pl.lit(EXPORTED).cast(pl.Datetime("us", "UTC"))
    assert made["truth"].filter(pl.col("timestamp") >= end).is_empty()
    assert made["truth"]["timestamp"].null_count() == 0


def test_no_record_of_a_deal_is_older_than_the_deal(made):
    born = made["opportunities"].select("opportunity", born="created")
    for name in ("quotes", "contracts", "orders", "invoices"):
        joined = made[name].join(born, on="opportunity")
        assert joined.filter(pl.col("created") < pl.col("born")).is_empty(), name
    changes = made["changes"].filter(pl.col("object") == "opportunity").rename({"record": "opportunity"})
    assert changes.join(born, on="opportunity").filter(pl.col("at") < pl.col("born")).is_empty()


def test_close_dates_are_set_to_the_day_of_closing(made):
    closed = made["opportunities"].filter(pl.col("outcome") != "Open")
    assert (closed["close_date"] == closed["closed"].dt.date()).all()
    still_open = made["opportunities"].filter(pl.col("outcome") == "Open")
    assert still_open["close_date"].min() > date(2024, 1, 1)


def test_payments_add_up(made):
    signed = pl.when(pl.col("kind") == "applied").then("amount").otherwise(-pl.col("amount"))
    received = made["payments"].group_by("invoice").agg(received=signed.sum())
    invoices = made["invoices"].join(received, on="invoice", how="left")
    assert invoices.filter(pl.col("received") > pl.col("total") + 0.005).is_empty()
    paid = invoices.filter(pl.col("paid").is_not_null())
    assert (paid["received"] - paid["total"]).abs().max() < 0.005
    assert invoices.filter((pl.col("status") == "Paid") != pl.col("paid").is_not_null()).is_empty()


def test_lines_add_up_to_their_deal(made):
    sums = made["opportunity_lines"].group_by("opportunity").agg(pl.col("total").sum())
    joined = made["opportunities"].join(sums, on="opportunity")
    assert len(joined) == len(made["opportunities"])
    assert (joined["amount"] - joined["total"]).abs().max() < 0.01


def test_migrated_deals_are_created_many_in_a_minute_by_one_user(made):
    migrated = made["opportunities"].filter("migrated")
    assert (migrated["created_by"] == company.MIGRATION_USER).all()
    minutes = migrated["created"].dt.truncate("1m").value_counts()["count"]
    assert len(migrated) > 10
    assert minutes.max() > 3


def test_the_truth_names_activities_that_exist(made):
    truth = made["truth"]
    assert set(truth["activity"].unique()) <= set(activity_ids())
    assert truth["activity"].n_unique() > 40
    cases = truth.filter(pl.col("case_object") == "opportunity")["case"]
    assert cases.is_in(made["opportunities"]["opportunity"].implode()).all()
    leads = truth.filter(pl.col("case_object") == "lead")
    assert (
        leads["activity"]
        .is_in(
            [
                "lead_captured",
                "lead_qualified",
                "lead_disqualified",
                "campaign_response",
                "first_customer_contact",
            ]
        )
        .all()
    )


def test_the_truth_tells_the_outcome_of_each_deal(made):
    truth, deals = made["truth"], made["opportunities"]
    for outcome, activity in (("Won", "opportunity_won"), ("Lost", "opportunity_lost")):
        last = truth.filter(pl.col("activity") == activity).group_by("case").agg(pl.col("timestamp").max())
        of_outcome = deals.filter(pl.col("outcome") == outcome).join(
            last, left_on="opportunity", right_on="case"
        )
        assert len(of_outcome) == (deals["outcome"] == outcome).sum()
        assert (of_outcome["closed"] == of_outcome["timestamp"]).all()


def test_a_merged_lead_is_captured_once_at_the_earlier_time(made):
    losers = made["leads"].filter(pl.col("merged_into").is_not_null())
    captured = made["truth"].filter(pl.col("activity") == "lead_captured")
    assert len(losers) > 5
    assert captured.filter(pl.col("record").is_in(losers["lead"].implode())).is_empty()
    joined = losers.join(captured, left_on="merged_into", right_on="record")
    assert (joined["timestamp"] == joined["captured"]).all()


def test_the_first_contact_of_a_case_is_the_earliest(made):
    contacts = made["truth"].filter(pl.col("activity").str.ends_with("customer_contact"))
    first = contacts.filter(pl.col("activity") == "first_customer_contact").select(
        "case_object", "case", "timestamp"
    )
    assert first.select("case_object", "case").is_unique().all()
    joined = contacts.join(first, on=["case_object", "case"], suffix="_first")
    assert len(joined) == len(contacts)
    assert (joined["timestamp"] >= joined["timestamp_first"]).all()
