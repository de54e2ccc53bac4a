"""What the readers derive from an organisation's export is what happened there: for every shape of both CRMs.

The generator and the readers were written apart from each other; beside each export it writes what happened,
and of what this shape of export holds a trace.
"""

from __future__ import annotations

import polars as pl
import pytest

import dealtrace as dt
from dealtrace_engine.synthetic.crm.locales import ORGANISATION_ZONE
from dealtrace_engine.synthetic.crm.writing import EXPORT, SYSTEMS, TRUTH, write_organisation

DEALS, MANY_DEALS = 50, 400
"""Of every shape, and of those that are also looked at with what happens seldom."""
SHAPES = [(system, shape, "", DEALS) for system, shapes in SYSTEMS.items() for shape in shapes]
SHAPES += [
    ("salesforce", "report", "workbook", DEALS), ("salesforce", "data-export", "", MANY_DEALS),
    ("dynamics", "excel", "", MANY_DEALS), ("dynamics", "web-api", "", MANY_DEALS),
]  # fmt: skip
"""System, shape, what the shape is asked for besides, if anything, and the number of deals."""
READERS = {"salesforce": dt.read_salesforce, "dynamics": dt.read_dynamics}
ZONES = {"salesforce": "UTC", "dynamics": ORGANISATION_ZONE}
"""Where the generated organisations have their days."""
UNITS = {"instant": "1s", "minute": "1m", "date": "1d"}


@pytest.fixture(scope="module", params=SHAPES, ids=lambda form: "/".join(str(part) for part in form if part))
def organisation(request, tmp_path_factory):
    system, shape, asked, deals = request.param
    folder = tmp_path_factory.mktemp("crm") / "organisation"
    written = write_organisation(system, shape, deals, 5, folder, **({asked: True} if asked else {}))
    zone = written.zone or ZONES[system]
    log = READERS[system](folder / EXPORT, timezone=zone)
    return shape, log, pl.read_parquet(folder / TRUTH), zone


def keyed(events, zone):
    """Return events with their time as text: to the second, the minute, and the organisation's day."""
    at = pl.col("timestamp")
    there = at.dt.convert_time_zone(zone)
    return events.with_columns(
        instant=at.dt.truncate("1s").dt.to_string(),
        minute=at.dt.truncate("1m").dt.to_string(),
        date=there.dt.date().dt.to_string(),
    )


def derived(log, zone):
    """Return the events of the log under canonical ids."""
    found = log.to_polars(["activity_id", "ts_precision", "record_id", "source_row_id"])
    texts = pl.exclude("timestamp").cast(pl.String).str.strip_prefix("@")
    return keyed(found.with_columns(texts).with_columns(activity="activity_id"), zone)


def of_deals(truth, zone):
    """Return the events of deals; those of leads alone are in no log of deals."""
    events = truth.filter(pl.col("case_object") == "opportunity")
    return keyed(events.with_columns(pl.col("case_id", "record_id").str.strip_prefix("@")), zone)


def happened(truth, zone):
    """Return the events of deals, without further contacts: of these only the first is told."""
    return of_deals(truth, zone).filter(pl.col("activity") != "customer_contact")


def without(one, other, precision):
    """Return the events of `one` that `other` has not, told apart as far as a precision does."""
    return one.join(other, on=["case_id", "activity", precision], how="anti")


def test_every_event_that_left_a_trace_is_found_at_its_time(organisation):
    _, log, truth, zone = organisation
    found, wanted = derived(log, zone), happened(truth, zone).filter("derivable")
    assert wanted.height > 200
    missing = pl.concat(
        without(wanted.filter(pl.col("precision") == precision), found, precision) for precision in UNITS
    )
    assert missing.select("case_id", "activity", "timestamp", "precision").rows() == []


def standing_in(more, truth, zone, precision):
    """Return events of a precision in the place of one that left no trace: each is the first that is known.

    Another contact of the case stands in for the first; of a lead, its own row for that of the lead that was
    merged into it, which the export has not.
    """
    known = of_deals(truth, zone)
    lost = known.filter(~pl.col("derivable"))
    without_first = lost.filter(pl.col("activity") == "first_customer_contact").select("case_id")
    contacts = known.filter(pl.col("activity") == "customer_contact").with_columns(
        activity=pl.lit("first_customer_contact")
    )
    first = more.join(without_first, on="case_id", how="semi")
    captured = lost.filter(pl.col("activity") == "lead_captured").select(
        "case_id", "activity", "record_id", earlier="timestamp"
    )
    own = more.filter(pl.col("record_id") == pl.col("source_row_id")).join(
        captured, on=["case_id", "activity", "record_id"]
    )
    return [
        first.join(contacts, on=["case_id", "activity", precision], how="semi"),
        own.filter(pl.col("timestamp") > pl.col("earlier")),
    ]


def test_nothing_is_invented(organisation):
    _, log, truth, zone = organisation
    found, known = derived(log, zone), happened(truth, zone)
    for precision in UNITS:
        more = without(found.filter(pl.col("ts_precision") == precision), known, precision)
        for instead in standing_in(more, truth, zone, precision):
            more = more.join(instead, on=["case_id", "activity", "timestamp"], how="anti")
        assert more.select("case_id", "activity", "timestamp", "ts_precision").rows() == []


def test_every_deal_that_is_shown_is_a_case(organisation):
    _, log, truth, zone = organisation
    shown = happened(truth, zone).filter("derivable")["case_id"].unique()
    assert set(shown) == {text.removeprefix("@") for text in log.case_ids.to_pylist()}


def test_the_coverage_report_names_the_export(organisation):
    shape, log, _, _ = organisation
    assert log.quality.coverage.shape == shape
    assert log.quality.coverage.how_recognised == "recognised"
    assert log.quality.coverage.ambiguous["pairs"] == log.events - log.cases
