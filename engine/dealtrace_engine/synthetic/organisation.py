"""The company of the synthetic log: its people, markets, products and habits. All names are invented."""

from __future__ import annotations

REGIONS = ("DACH", "France", "Italy", "Iberia", "UK & Ireland", "Nordics", "North America", "Japan")
REGION_WEIGHTS = (22, 13, 10, 8, 14, 9, 16, 8)
UTC_OFFSET_HOURS = (1, 1, 1, 1, 0, 1, -5, 9)
"""Standard time all year, so that the log does not depend on a time-zone database."""
SLOW_REGION = "Nordics"
SLOW_REGION_PACE = 640
"""Times of sales and legal work there, as multiples of 1/256."""

SEGMENTS = ("Small Business", "Mid-Market", "Enterprise")
SEGMENT_WEIGHTS = (55, 32, 13)
MEDIAN_CENTS = (900_000, 4_800_000, 21_000_000)
SEGMENT_WIN = (40, 0, -60)
"""Change of the chance to win, in 1,000."""

PRODUCTS = ("Core Platform", "Analytics", "Integration", "Support Plan", "Training")
PRODUCT_WEIGHTS = (38, 22, 17, 14, 9)

LEAD_SOURCES = ("Website", "Referral", "Trade Fair", "Partner", "Outbound Call", "Purchased List")
SOURCE_WEIGHTS = (34, 14, 13, 15, 15, 9)
"""Among leads that become an opportunity."""
DROPPED_SOURCE_WEIGHTS = (33, 4, 14, 7, 17, 25)
"""Among leads that do not."""
SOURCE_WIN = (0, 110, 10, 60, -50, -130)
BEST_SOURCE, WORST_SOURCE = "Referral", "Purchased List"

LOSS_REASONS = ("Price", "Competitor", "No Decision", "No Budget", "Product Fit")
LOSS_WEIGHTS = (32, 24, 20, 15, 9)

PAYMENT_TERMS_DAYS = (14, 30, 45, 60, 90)
TERMS_WEIGHTS = ((30, 58, 8, 4, 0), (8, 55, 20, 15, 2), (0, 30, 22, 33, 15))
"""By segment."""
PAYMENT_WEIGHTS = ((62, 24, 8, 6), (72, 19, 6, 3), (66, 26, 7, 1))
"""By segment: on time, late, late after a reminder, not at all."""

DISCOUNTS = (0, 0, 5, 8, 10, 12, 15, 18, 20, 22, 25, 30)
"""First quotes are offered with one of these, in percent."""
DISCOUNT_WEIGHTS = ((20, 9, 22, 8, 16, 6, 9, 4, 2, 2, 1, 1), (9, 6, 14, 9, 19, 9, 13, 7, 5, 4, 3, 2),
                    (4, 2, 7, 6, 15, 9, 17, 11, 9, 9, 7, 4))  # fmt: skip
"""By segment."""
DISCOUNT_LIMIT_PERCENT = 20
"""Above it, a discount needs an approval."""

DEPARTMENTS = {
    "web": "Marketing",
    "sdr": "Marketing",
    "first_rep": "Sales",
    "rep": "Sales",
    "approver": "Sales Desk",
    "legal": "Legal",
    "operations": "Operations",
    "finance": "Finance",
    "system": "Integration",
    "billing_robot": "Finance",
}
ROLES = tuple(DEPARTMENTS)
MACHINES = ("web", "system", "billing_robot")

REPS_PER_REGION = 8
# fmt: off
_FIRST = (
    "Anna", "Bruno", "Clara", "David", "Elena", "Felix", "Grace", "Hugo", "Irene", "Jonas", "Karin", "Luca",
    "Marta", "Noah", "Olga", "Paul",
)
_LAST = (
    "Adler", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "Garnier", "Hayashi", "Ibarra", "Jansen",
    "Keller", "Larsen", "Moreau", "Novak", "Okada", "Parker", "Quinn",
)
# fmt: on
_NAMES = tuple(f"{_FIRST[k % 16]} {_LAST[k % 17]}" for k in range(16 * 17))
"""All different, since 16 and 17 have no common divisor."""

_TEAM_SIZES = {
    "rep": REPS_PER_REGION * len(REGIONS),
    "sdr": 10,
    "approver": 6,
    "legal": 5,
    "operations": 9,
    "finance": 6,
}
MACHINE_NAMES = {"web": "Web Form", "system": "Integration User", "billing_robot": "Billing Robot"}


def _teams() -> dict[str, range]:
    teams, end = {}, 0
    for role, size in _TEAM_SIZES.items():
        teams[role], end = range(end, end + size), end + size
    return teams | {role: range(end + k, end + k + 1) for k, role in enumerate(MACHINES)}


TEAMS = _teams()
"""Role to the positions of its people in `PEOPLE`."""
PEOPLE = (*_NAMES[: TEAMS["web"].start], *(MACHINE_NAMES[role] for role in MACHINES))
WEAK_REP, STAR_REP = TEAMS["rep"][5], TEAMS["rep"][33]
SLOW_APPROVER = TEAMS["approver"][2]
SLOW_APPROVER_PACE = 1536

# fmt: off
_STEMS = (
    "Alder", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Garnet", "Harbor", "Indigo", "Juniper", "Kestrel",
    "Linden", "Maple", "Nimbus", "Orchid", "Pioneer", "Quartz", "Rowan", "Summit", "Timber", "Umber",
    "Vantage", "Willow", "Yarrow", "Zenith",
)
# fmt: on
_TRADES = (
    "Foods",
    "Logistics",
    "Pharma",
    "Tools",
    "Energy",
    "Textiles",
    "Media",
    "Motors",
    "Papers",
    "Systems",
)
_FORMS = ("Ltd", "Group", "Holding", "& Co", "Partners", "Works", "Brothers", "International")
ACCOUNTS = tuple(f"{stem} {trade} {form}" for form in _FORMS for trade in _TRADES for stem in _STEMS)
"""2,000 customers; region and segment belong to the customer."""
