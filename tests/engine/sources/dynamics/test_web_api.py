"""Saved answers of the Web API: pages, arrays, lines; lookups, labels, deletions, audit details; damage."""

import json

import pytest

from dealtrace_engine.errors import ParseError
from dealtrace_engine.sources.crm.ids import with_texts
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.dynamics import web_api
from dealtrace_engine.sources.dynamics.export import export
from dealtrace_engine.sources.dynamics.objects import CATALOG

A, B, C = (f"0000000{i}-aaaa-4bbb-8ccc-00000000000{i}" for i in (1, 2, 3))
LABEL = "@OData.Community.Display.V1.FormattedValue"
CONTEXT = "https://org.crm4.dynamics.com/api/data/v9.2/$metadata#opportunities(opportunityid,name)"


def opportunity(key, **more):
    return {
        "@odata.etag": 'W/"81359849"',
        "opportunityid": key,
        "name": 'He said "no"\nthen {yes}',
        "_ownerid_value": B,
        f"_ownerid_value{LABEL}": "Alice",
        "_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "systemuser",
        "_ownerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty": "ownerid",
        "estimatedvalue": 20000.0000,
        f"estimatedvalue{LABEL}": "$20,000.00",
        "statecode": 1,
        f"statecode{LABEL}": "Gewonnen",
        "createdon": "2023-04-07T21:59:01Z",
        f"createdon{LABEL}": "4/7/2023 2:59 PM",
        "new_wide": "x" * 50,
        **more,
    }


def page(records, **more):
    return {"@odata.context": CONTEXT, "value": records, **more}


def tables(folder, **mapping):
    mapping = CrmMapping(**mapping)
    raw = export(web_api.read(folder, mapping), mapping, shape="web-api", label=str(folder))
    return CrmTables(raw, CATALOG)


def rows(tables, name, *columns):
    return with_texts(tables.table(name).select(columns).collect(), tables.ids).rows()


FORMS = {
    "page": lambda records: json.dumps(page(records, **{"@odata.nextLink": "https://x?$skiptoken={1}"})),
    "pretty page": lambda records: json.dumps(page(records), indent=2),
    "array": json.dumps,
    "lines": lambda records: "\n".join(map(json.dumps, records)),
    "pages in an array": lambda records: json.dumps([page([record]) for record in records]),
    "pages one after another": lambda records: "\r\n".join(json.dumps(page([r])) for r in records),
    "pages of one line each": lambda records: "\n".join(json.dumps(page([r])) for r in records) + "\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_way_to_save_pages_gives_the_same_table(tmp_path, form):
    (tmp_path / "opportunities.json").write_text(FORMS[form]([opportunity(A), opportunity(C)]), "utf-8")
    found = tables(tmp_path)
    columns = ("opportunityid", "name", "ownerid", "ownerid_entitytype", "owneridname", "estimatedvalue")
    text = 'He said "no"\nthen {yes}'
    assert rows(found, "opportunity", *columns) == [
        (A, text, B, "systemuser", "Alice", 20000.0),
        (C, text, B, "systemuser", "Alice", 20000.0),
    ]
    assert "new_wide" not in found.raw.frames["opportunity"].collect_schema()


def test_formatted_values_are_labels_and_never_dates(tmp_path):
    (tmp_path / "page1.json").write_text(json.dumps(page([opportunity(A)])))
    found = tables(tmp_path)
    ((created, label),) = rows(found, "opportunity", "createdon", "statecodename")
    assert (created.isoformat(), label) == ("2023-04-07T21:59:01+00:00", "Gewonnen")
    assert rows(found, "stringmap", "objecttypecode", "attributename", "attributevalue", "value") == [
        ("opportunity", "statecode", 1.0, "Gewonnen")
    ]


def test_an_annotation_that_only_later_records_have_is_read(tmp_path):
    first = {key: value for key, value in opportunity(A).items() if "_ownerid" not in key}
    first[f"name{LABEL}"] = "x"
    first["_ownerid_value"] = None
    (tmp_path / "opportunities.json").write_text(json.dumps(page([first, opportunity(C)])))
    assert rows(tables(tmp_path), "opportunity", "owneridname") == [(None,), ("Alice",)]


def test_change_tracking_removes_what_is_deleted_and_keeps_the_newest(tmp_path):
    old = opportunity(A, modifiedon="2023-05-01T00:00:00Z", statecode=0)
    new = opportunity(A, modifiedon="2023-05-02T00:00:00Z", statecode=2)
    gone = {
        "@odata.context": "https://x/$metadata#opportunities/$deletedEntity",
        "id": C,
        "reason": "deleted",
    }
    first, second = page([new, opportunity(C), opportunity(B)]), page([gone, old])
    second["@odata.deltaLink"] = "https://x?$deltatoken=919042"
    (tmp_path / "a.json").write_text(json.dumps(first))
    (tmp_path / "b.json").write_text(json.dumps(second))
    found = tables(tmp_path)
    assert sorted(rows(found, "opportunity", "opportunityid", "statecode")) == [(A, 2.0), (B, 1.0)]
    reasons = {finding.reason: finding.count for finding in found.raw.findings}
    assert reasons == {
        "opportunity: rows left out, older than another of the record": 2,
        "opportunity: rows left out, marked as deleted": 1,
    }


def test_ids_in_braces_and_capitals_are_the_same_record(tmp_path):
    records = [
        opportunity("{" + A.upper() + "}", versionnumber=2, name="new"),
        opportunity(A, versionnumber=1),
    ]
    (tmp_path / "opportunities.json").write_text(json.dumps(records))
    assert rows(tables(tmp_path), "opportunity", "opportunityid", "name") == [(A, "new")]


def test_a_flow_of_the_organisations_own_is_known_by_its_columns(tmp_path):
    record = {
        "businessprocessflowinstanceid": A, "_activestageid_value": B, "traversedpath": f"{C},{B}",
        "_bpf_opportunityid_value": C, "activestagestartedon": "2024-01-01T00:00:00Z", "statecode": 0,
    }  # fmt: skip
    context = "https://x/api/data/v9.2/$metadata#new_bpf_8e0cdf3d00000000s(a)"
    (tmp_path / "flow.json").write_text(json.dumps({"@odata.context": context, "value": [record]}))
    found = rows(tables(tmp_path), "customsalesprocess", "bpf_table", "activestageid", "bpf_opportunityid")
    assert found == [("new_bpf_8e0cdf3d00000000s", B, C)]


def test_custom_fields_that_the_mapping_names_are_read(tmp_path):
    (tmp_path / "opportunities.json").write_text(json.dumps([opportunity(A, new_segment="Gold")]))
    found = tables(tmp_path, fields={"opportunity.new_segment": "segment"})
    assert found.raw.frames["opportunity"].collect()["new_segment"].to_list() == ["Gold"]


CHANGES = {
    "changedAttributes": [
        {"logicalName": "statecode", "oldValue": "0", "newValue": "1"},
        {"logicalName": "ms_x", "oldValue": None, "newValue": "False"},
        {"logicalName": "ownerid", "oldValue": None, "newValue": f"systemuser,{B}"},
    ]
}


def audit(key, changes, **more):
    return {
        "auditid": key, "action": 2, "operation": 2, "objecttypecode": "opportunity", "_objectid_value": A,
        "_userid_value": B, "createdon": "2024-05-01T10:00:00Z", "changedata": changes, **more,
    }  # fmt: skip


def test_changedata_gives_a_row_per_attribute(tmp_path):
    records = [
        audit(A, json.dumps(CHANGES)),
        audit(B, "Draft~3~", objecttypecode="3"),
        audit(C, None),
        audit(C, json.dumps({"changedAttributes": [{"logicalName": "statuscode", "newValue": "long…"}]})),
        audit(A.replace("1", "4"), None, objecttypecode="3", operation=3),
    ]
    (tmp_path / "audits.json").write_text(json.dumps({"value": records}))
    found = tables(tmp_path)
    columns = ("auditid", "objecttypecode", "objectid", "userid", "action", "attribute", "old", "new")
    for _ in range(2):
        assert rows(found, "audit_changes", *columns) == [
            (A, "opportunity", A, B, 2.0, "statecode", "0", "1"),
            (A, "opportunity", A, B, 2.0, "ownerid", None, f"systemuser,{B}"),
            (C, "opportunity", A, B, 2.0, "statuscode", None, "long…"),
        ]
        found.release("audit_changes")
    reasons = {finding.reason: finding.count for finding in found.raw.findings}
    assert reasons == {
        "audit: changes in the old form, which does not name the columns": 1,
        "audit: values that were cut": 1,
        "audit: rows left out, there twice": 1,
    }
    assert found.rows("audit") == 4
    assert rows(found, "audit", "objecttypecode") == [("opportunity",)]  # the one that tells by itself


def test_one_broken_changedata_does_not_take_the_others_along(tmp_path):
    records = [audit(A, json.dumps(CHANGES)), audit(B, json.dumps(CHANGES)[:-9])]
    (tmp_path / "audits.json").write_text(json.dumps(records))
    found = tables(tmp_path)
    assert {key for (key,) in rows(found, "audit_changes", "auditid")} == {A}
    assert ("audit: changes that are no JSON", 1) in [(f.reason, f.count) for f in found.raw.findings]


def test_audit_without_changedata_says_what_it_cannot_tell(tmp_path):
    (tmp_path / "audits.json").write_text(json.dumps([{"auditid": A, "action": 2, "_objectid_value": B}]))
    found = tables(tmp_path)
    assert "audit_changes" not in found.raw.frames
    assert any("changedata" in note for note in found.raw.notes)


def detail(**more):
    return {
        "@odata.type": "#Microsoft.Dynamics.CRM.AttributeAuditDetail",
        "OldValue": {"@odata.type": "#x", "statecode": 0, f"statecode{LABEL}": "Open", "name": 'a "b"'},
        "NewValue": {"statecode": 1, "_ownerid_value": B},
        **more,
    }


DETAILS = {
    "change history": {
        "@odata.context": "https://x/$metadata#Microsoft.Dynamics.CRM.RetrieveRecordChangeHistoryResponse",
        "AuditDetailCollection": {"MoreRecords": False, "AuditDetails": [detail(AuditRecord=audit(A, None))]},
    },
    "with the audit row around": [{**audit(A, None), "AuditDetail": detail()}],
}


@pytest.mark.parametrize("form", DETAILS)
def test_audit_details_give_the_same_rows(tmp_path, form):
    (tmp_path / "details.json").write_text(json.dumps(DETAILS[form]))
    columns = ("auditid", "objectid", "action", "attribute", "old", "new")
    assert rows(tables(tmp_path), "audit_changes", *columns) == [
        (A, A, 2.0, "statecode", "0", "1"),
        (A, A, 2.0, "ownerid", None, B),
    ]


def test_a_file_that_is_cut_off_is_an_error(tmp_path):
    text = json.dumps(page([opportunity(A), opportunity(C)]))
    (tmp_path / "opportunities.json").write_text(text[:-200])
    with pytest.raises(ParseError, match=r"cut off in the middle.*export it again"):
        rows(tables(tmp_path), "opportunity", "name")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"error":{"code":"0x80072560","message":"The user is not a member"}}', "error message"),
        ("<html></html>", "is no JSON of records"),
        ('[{"opportunityid": "1"}]]]', "more brackets close"),
        ("[]", "holds no table of Dynamics"),
        ('[{"foo": 1}]', "files of other tables"),
    ],
)
def test_what_is_no_data_is_an_error(tmp_path, text, what):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ParseError, match=what):
        rows(tables(tmp_path), "opportunity", "name")


def test_other_charsets_are_read_and_counted(tmp_path):
    text = "\n".join(json.dumps(opportunity(key, name="Müller"), ensure_ascii=False) for key in (A, C))
    (tmp_path / "opportunities.jsonl").write_bytes(text.encode("cp1252"))
    found = tables(tmp_path)
    assert rows(found, "opportunity", "name") == [("Müller",)] * 2
    assert [f.count for f in found.raw.findings if "Windows-1252" in f.reason] == [2]
    (tmp_path / "opportunities.jsonl").write_bytes(text.encode("utf-16"))
    assert rows(tables(tmp_path), "opportunity", "name") == [("Müller",)] * 2


def test_a_record_that_is_no_json_is_left_out_and_counted(tmp_path):
    good = json.dumps(opportunity(A))
    (tmp_path / "opportunities.jsonl").write_text(f'{good}\n{{"opportunityid": tru}}\n')
    found = tables(tmp_path)
    assert rows(found, "opportunity", "opportunityid") == [(A,)]
    assert [f.count for f in found.raw.findings if "no JSON" in f.reason] == [1]


def test_days_that_are_a_local_midnight_in_utc_become_the_day_there(tmp_path):
    record = {
        "salesorderid": A,
        "datefulfilled": "2024-05-20T22:00:00Z",
        "submitdate": "2024-05-21T00:00:00Z",
    }
    (tmp_path / "salesorders.json").write_text(json.dumps([record]))
    columns = ("datefulfilled", "submitdate")
    found = rows(tables(tmp_path, zone="Europe/Berlin"), "salesorder", *columns)
    assert [day.isoformat() for day in found[0]] == ["2024-05-21", "2024-05-21"]
