"""The company behind a synthetic CRM: its currencies, countries, stages and habits. Names are invented.

It is the company of `synthetic.organisation`; here is what only its CRM knows.
"""

from __future__ import annotations

from datetime import date

from dealtrace_engine.synthetic import organisation as org
from dealtrace_engine.synthetic.clock import EPOCH
from dealtrace_engine.synthetic.steps import DAY

CORPORATE = "EUR"
CURRENCIES = {"EUR": 1.0, "GBP": 0.85, "SEK": 11.4, "USD": 1.08, "JPY": 162.0}
"""Units of each for one of the corporate currency."""
REGION_CURRENCY = ("EUR", "EUR", "EUR", "EUR", "GBP", "SEK", "USD", "JPY")
REGION_COUNTRY = ("Germany", "France", "Italy", "Spain", "United Kingdom", "Sweden", "United States", "Japan")

INDUSTRIES = (
    "Manufacturing",
    "Retail",
    "Banking",
    "Healthcare",
    "Energy",
    "Technology",
    "Logistics",
    "Media",
)
COMPETITORS = ("Altira", "Brookline", "Corvexa", "Dunmore", "Elvara")
DEAL_TYPES = ("New Business", "Existing Business", "Renewal")
DEAL_TYPE_WEIGHTS = (60, 30, 10)
CAMPAIGNS = ("Spring Webinar", "Autumn Fair", "Product Launch", "Customer Day")
SUPPORT_PRODUCT = org.PRODUCTS.index("Support Plan")
"""Sold with recurring invoices."""
PRODUCT_FAMILIES = ("Software", "Software", "Software", "Services", "Services")
PRODUCT_PRICES = (1200.0, 800.0, 650.0, 300.0, 900.0)

STAGES = (
    "Qualification",
    "Needs Analysis",
    "Proposal",
    "Decision Makers",
    "Quotation",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
)
"""In their order; the last two are closed."""
PROBABILITIES = (10, 20, 40, 50, 65, 85, 100, 0)
FORECASTS = ("Pipeline", "Pipeline", "Pipeline", "Best Case", "Best Case", "Commit", "Closed", "Omitted")
QUALIFICATION, NEEDS, PROPOSAL, DECISION, QUOTATION, NEGOTIATION, CLOSED_WON, CLOSED_LOST = range(8)

STAGE_RENAMED = date(2025, 3, 1)
RENAMED_STAGE = (NEGOTIATION, "Negotiation")
"""A stage, and what it was called before `STAGE_RENAMED`; the history keeps the old name."""
STAGE_RENAMED_S = (STAGE_RENAMED - EPOCH).days * DAY

MIGRATED_UNTIL = date(2024, 2, 26)
"""Until then deals without a lead were entered in another system and loaded later, a week in a minute."""
MIGRATED_UNTIL_S = (MIGRATED_UNTIL - EPOCH).days * DAY
MIGRATION_USER = len(org.PEOPLE)
"""Position after the people: the user that loaded them."""

DISCOUNTER = org.TEAMS["rep"][19]
"""A rep of Italy who discounts too much, and by how many points."""
DISCOUNTER_POINTS = 9
SKIPPING_REGION = org.REGIONS.index("Iberia")
SKIPPED_CONTRACTS_PERMILLE = 700
"""The region that skips the contract step, and how often."""
LATE_PAYERS = range(40, 90)
"""Positions in `organisation.ACCOUNTS` of customers who pay late."""

FIRST_NAMES = (
    "Alma", "Boris", "Carla", "Dario", "Edith", "Fabio", "Gilda", "Henri", "Ines", "Jakob", "Kaori", "Liam",
    "Mira", "Nils", "Oriana", "Pavel", "Rosa", "Sven", "Tove", "Uwe", "Vera", "Wim", "Yuki",
)  # fmt: skip
LAST_NAMES = (
    "Albrecht", "Bellini", "Carver", "Duarte", "Engel", "Fontaine", "Greco", "Holm", "Ito", "Jonsson",
    "Kraus", "Lambert", "Meyer", "Nakamura", "Olsen", "Petit", "Romano", "Sato", "Thomsen", "Urbina", "Vogel",
    "Weiss", "Young", "Zimmer",
)  # fmt: skip

SYSTEM_USER = org.TEAMS["system"].start
"""The user of the machines that connect the CRM with the other systems."""
