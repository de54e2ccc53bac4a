"""The users, customers, products and currencies of the company: who and what the records point to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.cases import region_and_segment
from dealtrace_engine.synthetic.crm import company
from dealtrace_engine.synthetic.crm.frames import instants, keys, named
from dealtrace_engine.synthetic.crm.opportunities import Deals
from dealtrace_engine.synthetic.crm.story import NONE, Story
from dealtrace_engine.synthetic.dice import Dice
from dealtrace_engine.synthetic.steps import DAY

if TYPE_CHECKING:
    import polars as pl

_TOPIC = 90
ROLE_NAMES = {
    "rep": "Sales Representative", "sdr": "Sales Development", "approver": "Sales Desk",
    "legal": "Legal Counsel", "operations": "Order Management", "finance": "Billing", "web": "Automation",
    "system": "Automation", "billing_robot": "Automation",
}  # fmt: skip
MANAGER, MIGRATION = "Sales Manager", "Automation"
_MERGED_ACCOUNTS, _PERSONS_PER_ACCOUNT = 40, 2
_BEFORE = 400
"""Accounts are up to this many days older than the log."""


def user_frame() -> pl.DataFrame:
    """Return the users: everyone in `organisation.PEOPLE`, the migration user, and a manager per region."""
    import polars as pl

    first_manager = company.MIGRATION_USER + 1
    rows: list[tuple[int, str, str, str, str, str | None, int | None, bool]] = []
    for role, team in org.TEAMS.items():
        for user in team:
            place = (user - team.start) // org.REPS_PER_REGION if role == "rep" else None
            region = None if place is None else org.REGIONS[place]
            manager = None if role in org.MACHINES else first_manager + (place or 0)
            team_name = ROLE_NAMES[role] if region is None else f"Sales {region}"
            rows.append((user, org.PEOPLE[user], ROLE_NAMES[role], team_name, org.DEPARTMENTS[role],
                         region, manager, role in org.MACHINES))  # fmt: skip
    rows.append(
        (company.MIGRATION_USER, "Data Migration", MIGRATION, MIGRATION, "Integration", None, None, True)
    )
    for number, region in enumerate(org.REGIONS):
        name = f"{company.FIRST_NAMES[number]} {company.LAST_NAMES[number]}"
        rows.append((first_manager + number, name, MANAGER, f"Sales {region}", "Sales", region, None, False))
    columns = ("user", "name", "role", "team", "department", "region", "manager", "machine")
    frame = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return frame.with_columns(pl.col("user", "manager").cast(pl.Int64)).sort("user")


def account_frame(story: Story, deals: Deals) -> pl.DataFrame:
    """Return the customers; those after the first 2,000 were the same as one of these and merged into it."""
    import polars as pl

    dice, n, extra = Dice(1 << 62, _TOPIC), len(org.ACCOUNTS), _MERGED_ACCOUNTS
    codes = story.cases.codes
    account = np.concatenate((np.arange(n), dice.below(extra, n)))
    seen = np.full(n, NONE, np.int64)
    region, segment = seen.copy(), seen.copy()
    region[codes["account"]], segment[codes["account"]] = codes["region"], codes["segment"]
    if not story.part.is_whole:  # the same in all parts, whoever has deals in this one
        region, segment = region_and_segment()
    region, segment = np.where(region < 0, 0, region)[account], np.where(segment < 0, 0, segment)[account]
    owner = org.TEAMS["rep"].start + region * org.REPS_PER_REGION + dice.below(n + extra, org.REPS_PER_REGION)
    created = -DAY * (1 + dice.below(n + extra, _BEFORE))
    name = named(account, org.ACCOUNTS)
    return pl.DataFrame(
        {
            "account": keys(np.arange(1, n + extra + 1)),
            "name": name,
            "industry": named(account % len(company.INDUSTRIES), company.INDUSTRIES),
            "segment": named(segment, org.SEGMENTS),
            "region": named(region, org.REGIONS),
            "country": named(region, company.REGION_COUNTRY),
            "owner": keys(owner),
            "created": instants(created),
            "merged_into": keys(np.where(np.arange(n + extra) < n, NONE, account + 1)),
        }
    )


def merged_accounts(accounts: pl.DataFrame, deals: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """Return the opportunities, some of which still point to the customer that was merged away."""
    import polars as pl

    losers = accounts.filter(pl.col("merged_into").is_not_null()).unique("merged_into", keep="first")
    loser_of = losers.select(pl.col("merged_into").alias("account"), pl.col("account").alias("loser"))
    chosen = pl.Series("stale", dice.chance(len(deals), 300))
    stale = pl.when(chosen & pl.col("loser").is_not_null()).then("loser").otherwise("account")
    return (
        deals.join(loser_of, on="account", how="left", maintain_order="left")
        .with_columns(stale.alias("account"))
        .drop("loser")
    )


def person_frame(accounts: pl.DataFrame) -> pl.DataFrame:
    """Return the people at the customers."""
    import polars as pl

    alive = accounts.filter(pl.col("merged_into").is_null())
    n, dice = len(alive) * _PERSONS_PER_ACCOUNT, Dice(1 << 62, _TOPIC + 1)
    return pl.DataFrame(
        {
            "person": keys(np.arange(1, n + 1)),
            "account": alive["account"].gather(np.arange(n) // _PERSONS_PER_ACCOUNT),
            "first_name": named(dice.below(n, len(company.FIRST_NAMES)), company.FIRST_NAMES),
            "last_name": named(dice.below(n, len(company.LAST_NAMES)), company.LAST_NAMES),
        }
    )


def product_frame() -> pl.DataFrame:
    """Return the products."""
    import polars as pl

    n = len(org.PRODUCTS)
    return pl.DataFrame(
        {
            "product": keys(np.arange(1, n + 1)),
            "name": list(org.PRODUCTS),
            "family": list(company.PRODUCT_FAMILIES),
            "price": list(company.PRODUCT_PRICES),
        }
    )


def currency_frame() -> pl.DataFrame:
    """Return the currencies; the rate is units for one of the corporate currency."""
    import polars as pl

    codes = list(company.CURRENCIES)
    corporate = [code == company.CORPORATE for code in codes]
    return pl.DataFrame({"code": codes, "rate": list(company.CURRENCIES.values()), "corporate": corporate})


def campaign_frame() -> pl.DataFrame:
    """Return the campaigns."""
    import polars as pl

    return pl.DataFrame(
        {"campaign": keys(np.arange(1, len(company.CAMPAIGNS) + 1)), "name": list(company.CAMPAIGNS)}
    )
