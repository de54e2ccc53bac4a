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

SHAPES = [(system, shape, "") for system, shapes in SYSTEMS.items() for shape in shapes]
SHAPES.append(("salesforce", "report", "workbook"))
"""System, shape, and what the shape is asked for besides, if anything."""
READERS = {"salesforce": dt.read_salesforce, "dynamics": dt.read_dynamics}
ZONES = {"salesforce": "UTC", "dynamics": ORGANISATION_ZONE}
"""Where the generated organisations have their days."""
UNITS = {"instant": "1s", "minute": "1m", "date": "1d"}


@pytest.fixture(scope="module", params=SHAPES, ids=lambda form: "/".join(form).strip("/"))
def organisation(request, tmp_path_factory):
    system, shape, asked = request.param
    folder = tmp_path_factory.mktemp("crm") / "organisation"
    written = write_organisation(system, shape, 50, 5, folder, **({asked: True} if asked else {}))
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
    found = log.to_polars(["activity_id", "ts_precision"]).with_columns(
        pl.col("case_id").cast(pl.String).str.strip_prefix("@"), pl.col("ts_precision").cast(pl.String)
    )
    return keyed(found.with_columns(activity=pl.col("activity_id").cast(pl.String)), zone)


def happened(truth, zone):
    """Return the events of deals; those of leads alone, and further contacts, are in no log of deals."""
    of_deals = (pl.col("case_object") == "opportunity") & (pl.col("activity") != "customer_contact")
    return keyed(truth.filter(of_deals).with_columns(pl.col("case_id").str.strip_prefix("@")), zone)


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


def test_nothing_is_invented(organisation):
    _, log, truth, zone = organisation
    found, known = derived(log, zone), happened(truth, zone)
    more = pl.concat(without(found.filter(pl.col("ts_precision") == p), known, p) for p in UNITS)
    # Where the first contact left no trace, the first that did is the first that can be known.
    lost = known.filter((pl.col("activity") == "first_customer_contact") & ~pl.col("derivable"))
    first = pl.col("activity") == "first_customer_contact"
    more = pl.concat([more.filter(~first), more.filter(first).join(lost, on="case_id", how="anti")])
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
