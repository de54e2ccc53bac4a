from datetime import datetime

import polars as pl

from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.salesforce.objects import CATALOG
from dealtrace_engine.sources.salesforce.recognise import recognise
from salesforce_exports import OPPORTUNITY, OTHER, read, rows, typed, written

FOREVER = "9999-12-31 23:59:59"


def table(*lines):
    return "\n".join(lines) + "\n"


def test_snake_case_and_custom_fields(tmp_path):
    text = table("id,stage_name,account_id,loss_reason_c,created_date,_fivetran_synced",
                 f"{OPPORTUNITY},Won,0014600001TvgfZAAR,Price,2024-01-01 10:00:00,2024-01-02")  # fmt: skip
    quote = table(
        "id,sbqq_opportunity_2_c,sbqq_status_c,created_date",
        f"a0B46000003LmYzEAK,{OPPORTUNITY},Draft,2024-01-01",
    )
    written(tmp_path, sf_opportunity_data=text, sbqq_quote_c=quote)
    assert recognise(tmp_path) == "replica"
    raw = read(tmp_path, "replica", fields={"Opportunity.Loss_Reason__c": "loss_reason"})
    assert rows(raw, "Opportunity", "StageName", "Loss_Reason__c") == [("Won", "Price")]
    assert rows(raw, "SBQQ__Quote__c", "SBQQ__Opportunity2__c") == [(OPPORTUNITY,)]


def test_rows_that_are_gone_at_the_source_are_deleted_ones(tmp_path):
    text = table("id,stage_name,created_date,is_deleted,_fivetran_deleted",
                 f"{OPPORTUNITY},Won,2024-01-01,false,true",
                 f"{OTHER},Won,2024-01-01,true,false")  # fmt: skip
    written(tmp_path, opportunity=text)
    assert typed(read(tmp_path, "replica"), "Opportunity", "IsDeleted") == [(True,), (True,)]


def test_a_table_with_the_history_of_its_rows(tmp_path):
    head = "id,stage_name,created_date,_fivetran_start,_fivetran_end,_fivetran_active"
    text = table(head,
        f"{OPPORTUNITY},Prospecting,2024-01-01,2024-01-01 10:00:00,2024-01-05 09:59:59,false",
        f"{OPPORTUNITY},Won,2024-01-01,2024-01-05 10:00:00,{FOREVER},true",
        f"{OTHER},Lost,2024-01-01,2024-01-02 10:00:00,2024-01-03 10:00:00,false",
    )  # fmt: skip
    written(tmp_path, opportunity=text)
    raw = read(tmp_path, "replica")
    assert typed(raw, "Opportunity", "Id", "StageName", "IsDeleted") == [
        (OPPORTUNITY, "Won", False),
        (OTHER, "Lost", True),
    ]
    versions = CrmTables(raw, CATALOG).all_versions("Opportunity").collect()
    assert versions.select("StageName", pl.col("version_at").dt.strftime("%d")).rows() == [
        ("Prospecting", "01"), ("Won", "05"), ("Lost", "02"),
    ]  # fmt: skip


def test_a_history_of_rows_is_not_the_object_of_that_name(tmp_path):
    now = table("id,stage_name,created_date", f"{OPPORTUNITY},Won,2024-01-01")
    past = table("id,stage_name,created_date,_fivetran_start,_fivetran_active",
                 f"{OPPORTUNITY},Prospecting,2024-01-01,2024-01-01 10:00:00,true")  # fmt: skip
    changes = table("id,lead_id,field,old_value,new_value,created_date",
                    "0174600000J5S5TAAV,00Q4600000LbVvfEAF,Status,Open,Working,2024-01-01")  # fmt: skip
    written(tmp_path, sf_opportunity_data=now, sf_opportunity_history_data=past, lead_history=changes)
    raw = read(tmp_path, "replica")
    assert set(raw.frames) == {"Opportunity", "LeadHistory"}
    assert rows(raw, "Opportunity", "StageName") == [("Won",)]
    assert raw.versions["Opportunity"].collect()["version_at"].to_list() == ["2024-01-01 10:00:00"]


def test_the_table_of_stage_snapshots_of_that_name_stays_one(tmp_path):
    text = table(
        "id,opportunity_id,stage_name,created_date,_fivetran_synced",
        f"0084600000iqknnAAA,{OPPORTUNITY},Won,2024-01-01,x",
    )
    written(tmp_path, opportunity_history=text)
    assert set(read(tmp_path, "replica").frames) == {"OpportunityHistory"}


def test_parquet_with_types_in_a_folder_of_parts(tmp_path):
    frame = pl.DataFrame(
        {
            "ID": [OPPORTUNITY, OTHER],
            "STAGENAME": ["Won", "Lost"],
            "AMOUNT": [1.5, None],
            "ISDELETED": [False, True],
            "CREATEDDATE": [datetime(2024, 1, 1), datetime(2024, 1, 2)],
        }
    )
    (tmp_path / "opportunity").mkdir()
    for i in range(2):
        frame.slice(i, 1).write_parquet(tmp_path / "opportunity" / f"part-{i}.parquet")
    assert recognise(tmp_path) == "replica"
    raw = read(tmp_path, "replica")
    found = typed(raw, "Opportunity", "Id", "Amount", "IsDeleted", "CreatedDate")
    assert [row[:3] for row in found] == [(OPPORTUNITY, 1.5, False), (OTHER, None, True)]
    assert found[0][3].isoformat() == "2024-01-01T00:00:00+00:00"
