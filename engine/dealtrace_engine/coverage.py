"""How far an export can tell what happened: what is there, since when, and what cannot be known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Coverage:
    """The coverage report of a log that was made of a CRM export.

    Attributes
    ----------
    system, shape : str
        Which CRM, and in which form it was exported.
    how_recognised : str
        ``"given"``, or what told the shape.
    exported : str or None
        When the export was made: as it says, else the latest instant in it; ISO 8601, UTC.
    zone : str
        The time zone in which calendar days were taken.
    objects : dict of str to int
        Objects of the catalogue that the export has, with their rows.
    missing : list of str
        Objects and columns (``"Quote.Status"``) that rules asked for and the export has not.
    activities : dict of str to dict
        Activity to its events by rule, and by quality and precision of their timestamps.
    underivable : dict of str to str
        Activity to why no event of it could be derived.
    unverified : list of str
        Rules that yielded events although no vendor documents what they rest on.
    history : dict of str to dict
        History object to its first and last instant, its rows, and the cases that are clearly older than it.
    horizon : str or None
        Before this instant no history of the leading object is kept; cases that are clearly older (a week)
        may lack their beginning. None where there are no such cases.
    left_truncated : int
        Cases that are.
    horizons : dict of str to str
        Activity to the instant before which the export cannot tell it: where all its events were read from
        history objects, and cases are older than the first row of these. Activities that are not here, as
        fields or records of their own tell them, are known of every case.
    cases_without_history : int
        Cases of which no change is known.
    closed : int
    closed_with_change : int
        Closed cases, and those of them whose closing change was found.
    orphans : dict of str to dict
        Object to its records and events that no case is linked to.
    shared_events : int
        Events that belong to more than one case.
    several : dict of str to int
        Object to the cases that have more than one of it.
    ambiguous : dict
        `ambiguity.Ambiguity`.
    before_creation, after_export : int
        Events before their case was created, and after the export was made.
    leads_without_case : int
        Leads that never became an opportunity: not in this log, but in that of ``case="lead"``.
    unmapped : dict of str to dict of str to int
        ``"Opportunity.StageName"`` to values that nothing is known of, with counts.
    ambiguous_labels : dict of str to list of str
        A value that could mean several things, to these.
    migrated : int
        Cases that were loaded from elsewhere, by the look of it.
    currencies : dict of str to int
        Currency to cases; amounts are never added up across them without rates.
    rates : bool
        Whether the export has rates to the corporate currency.
    ends : dict of str to dict
        Ready times to where they begin and end instead, as the mapping file says: ``from`` and ``to`` are
        activities, ``last`` is whether the last end counts.
    """

    system: str
    shape: str
    how_recognised: str = "given"
    exported: str | None = None
    zone: str = "UTC"
    objects: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    activities: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    underivable: dict[str, str] = field(default_factory=dict)
    unverified: list[str] = field(default_factory=list)
    history: dict[str, dict[str, object]] = field(default_factory=dict)
    horizon: str | None = None
    left_truncated: int = 0
    horizons: dict[str, str] = field(default_factory=dict)
    cases_without_history: int = 0
    closed: int = 0
    closed_with_change: int = 0
    orphans: dict[str, dict[str, int]] = field(default_factory=dict)
    shared_events: int = 0
    several: dict[str, int] = field(default_factory=dict)
    ambiguous: dict[str, Any] = field(default_factory=dict)
    before_creation: int = 0
    after_export: int = 0
    leads_without_case: int = 0
    unmapped: dict[str, dict[str, int]] = field(default_factory=dict)
    ambiguous_labels: dict[str, list[str]] = field(default_factory=dict)
    migrated: int = 0
    currencies: dict[str, int] = field(default_factory=dict)
    rates: bool = False
    ends: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Coverage:
        """Return the report of plain values."""
        return cls(**values)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield the report as pairs of what and how, in the words of people."""
        yield "export", f"{self.system}, {self.shape} ({self.how_recognised})"
        if self.exported:
            yield "exported", f"{self.exported} UTC; days are days in {self.zone}"
        yield "objects", ", ".join(f"{name} {rows:,}" for name, rows in self.objects.items()) or "none"
        if self.missing:
            yield "missing", ", ".join(self.missing)
        yield from self._trust()
        yield from self._links()
        for activity, why in self.underivable.items():
            yield "cannot tell", f"{activity}: {why}"
        for column, values in self.unmapped.items():
            named = ", ".join(f"{value!r} {count:,}" for value, count in list(values.items())[:8])
            yield "unmapped", f"{column}: {named}"
        for name, moved in self.ends.items():
            told = [f"{part} {' or '.join(moved[part])}" for part in ("from", "to") if part in moved]
            if "last" in moved:
                told.append("the last one" if moved["last"] else "the first one")
            yield "moved", f"{name}: {', '.join(told)}"
        for label, meanings in self.ambiguous_labels.items():
            yield "ambiguous", f"{label!r} could be {' or '.join(meanings)}; say which in the mapping"

    def _trust(self) -> Iterator[tuple[str, str]]:
        for name, kept in self.history.items():
            older = kept.get("older_cases", 0)
            more = f"; {older:,} cases are older" if older else ""
            yield "history", f"{name}: {kept['rows']:,} rows, {kept['first']} to {kept['last']}{more}"
        if self.horizon:
            yield (
                "horizon",
                f"{self.horizon}; {self.left_truncated:,} cases are older and may lack their beginning",
            )
        for since in sorted(set(self.horizons.values())):
            told = ", ".join(name for name, own in self.horizons.items() if own == since)
            yield "known since", f"{since}: {told}"
        if self.closed:
            share = self.closed_with_change / self.closed
            yield "closings", f"{self.closed_with_change:,} of {self.closed:,} found in history ({share:.1%})"
        if self.cases_without_history:
            yield "no history", f"{self.cases_without_history:,} cases"
        if self.unverified:
            yield "assumed", f"{', '.join(self.unverified)}: not documented by the vendor; see the mapping"
        if self.before_creation:
            yield "odd times", f"{self.before_creation:,} events before their case was created"
        if self.after_export:
            yield "odd times", f"{self.after_export:,} events after the export"
        if self.ambiguous:
            yield "order", self._order()

    def _order(self) -> str:
        least, told, most = self.ambiguous["throughput"].get("p50_s", (0.0, 0.0, 0.0))
        days = [f"{seconds / 86_400:.1f}" for seconds in (told, least, most)]
        known = self.ambiguous
        return (
            f"{known['tied']:,} of {known['pairs']:,} pairs in one instant, {known['within_day']:,} in one "
            f"day, {known['within_minute']:,} in one minute; median throughput {days[0]} d, could be "
            f"{days[1]} to {days[2]} d"
        )

    def _links(self) -> Iterator[tuple[str, str]]:
        for name, lost in self.orphans.items():
            if name == "lead" and self.leads_without_case:
                continue
            yield "orphans", f"{lost['records']:,} {name} records with {lost['events']:,} events have no case"
        if self.shared_events:
            yield "shared", f"{self.shared_events:,} events belong to more than one case"
        for name, cases in self.several.items():
            yield "several", f"{cases:,} cases have more than one {name}"
        if self.leads_without_case:
            yield (
                "leads",
                f"{self.leads_without_case:,} never became an opportunity; they are in the log of leads",
            )
        if self.migrated:
            yield "migrated", f"{self.migrated:,} cases look as if they were loaded from elsewhere"
        if len(self.currencies) > 1:
            with_rates = "with rates" if self.rates else "no rates, so never added up"
            yield (
                "currencies",
                f"{', '.join(f'{c} {n:,}' for c, n in self.currencies.items())} ({with_rates})",
            )
