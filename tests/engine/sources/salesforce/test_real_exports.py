"""The public exports that are kept beside the checkout."""

import pytest

from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.recognise import recognise
from salesforce_exports import read, typed
from shared_data import LOGS, needs_shared

CRM = LOGS.parent / "crm"


@needs_shared
def test_a_weekly_data_export():
    path = CRM / "salesforce_data_export"
    assert recognise(path) == "data-export"
    raw = read(path)
    heights = {name: raw.frames[name].collect().height for name in raw.frames}
    assert heights == {
        "Account": 12,
        "Campaign": 4,
        "Contract": 0,
        "Lead": 22,
        "Opportunity": 31,
        "OpportunityHistory": 62,
        "Order": 0,
    }
    tables = CrmTables(raw, CATALOG)
    for name in tables.objects:
        tables.table(name)
    assert raw.findings == []
    assert typed(raw, "Opportunity", "CampaignId")[0] == (None,)
    assert str(typed(raw, "OpportunityHistory", "CloseDate")[0][0]) == "2013-09-16"


@needs_shared
def test_a_copy_in_a_warehouse():
    path = CRM / "salesforce_fivetran"
    assert recognise(path) == "replica"
    raw = read(path, "replica")
    assert set(raw.frames) == {
        "Account", "Contact", "Event", "Lead", "Opportunity", "OpportunityLineItem", "Order",
        "Product2", "Task", "User", "UserRole",
    }  # fmt: skip
    assert set(raw.versions) == {"Account", "Contact", "Opportunity"}
    assert raw.versions["Opportunity"].collect().height == 10
    assert typed(raw, "Opportunity", "Id", "Amount", "IsWon")[0] == ("006q000000HddohAAB", 24120000.0, True)


@needs_shared
@pytest.mark.parametrize("folder", ["dynamics_fivetran", "dynamics_cdm_schema"])
def test_another_crm_is_none_of_it(folder):
    assert recognise(CRM / folder) is None
    assert all(recognise(file) is None for file in sorted((CRM / folder).iterdir()))


@needs_shared
def test_event_logs_are_none_of_it():
    assert [file.name for file in sorted(LOGS.iterdir()) if recognise(file) is not None] == []
