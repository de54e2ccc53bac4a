from itertools import combinations

import pytest

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.tables import Kind
from dealtrace_engine.sources.salesforce.column_names import api_names, folded
from dealtrace_engine.sources.salesforce.object_names import is_of_object, object_of_columns, object_of_name
from dealtrace_engine.sources.salesforce.objects import CATALOG, PREFIXES, catalog_with

ALIKE = {"OrderSummary"}
"""All of its columns are also Order's."""
TOLD = [name for name in CATALOG if len(CATALOG[name]) > 13 and "History" not in name and name not in ALIKE]


def test_every_prefix_is_of_an_object_that_is_read():
    assert set(PREFIXES.values()) <= set(CATALOG)
    assert all(len(prefix) == 3 for prefix in PREFIXES)


def test_no_two_columns_of_an_object_become_one_when_spelled_otherwise():
    for name, columns in CATALOG.items():
        standard = [column for column in columns if not column.endswith("__c")]
        for one, other in combinations(standard, 2):
            assert folded(one) != folded(other), (name, one, other)


def test_every_object_has_an_id_and_bodies_of_messages_are_never_read():
    for columns in CATALOG.values():
        assert columns["Id"] is Kind.ID
        assert not set(columns) & {"Description", "TextBody", "HtmlBody", "Body"}


@pytest.mark.parametrize("name", CATALOG)
def test_each_object_is_told_by_its_name_in_any_spelling(name):
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).replace("__", "_").strip("_")
    for spelling in (name, name.upper(), name.lower(), f"{name}_1", f"sf_{name.lower()}_data", snake):
        assert object_of_name(spelling) == name, spelling


@pytest.mark.parametrize("name", ["Opportunities by region", "FieldHistory", "Attachment", "deals", ""])
def test_other_names_tell_no_object(name):
    assert object_of_name(name) is None


@pytest.mark.parametrize("name", TOLD)
def test_most_objects_are_told_by_their_columns(name):
    assert object_of_columns(list(CATALOG[name])) == name


def test_columns_that_tell_nothing():
    assert object_of_columns(["case", "activity", "time"]) is None
    assert object_of_columns(["Id", "TableEnumOrId", "FieldEnumOrId", "CreatedById", "CreatedDate"]) is None


def test_changes_with_a_parent_of_any_object_stay_open():
    with pytest.raises(SchemaError, match="SBQQ__Quote__History or blng__Invoice__History"):
        object_of_columns(["Id", "ParentId", "Field", "OldValue", "NewValue", "CreatedDate"])


def test_another_crm_is_not_taken_for_this_one():
    assert not is_of_object("account", ["accountid", "name", "statecode", "createdon", "ownerid"])
    assert is_of_object("account", ["id", "name", "created_date", "owner_id", "is_deleted"])


def test_the_spelling_of_the_api_wins_over_others():
    assert api_names(["account_id", "AccountId"], CATALOG["Opportunity"]) == {"AccountId": "AccountId"}


def test_fields_and_tables_of_a_mapping_join_the_catalogue():
    mapping = CrmMapping(
        fields={"Opportunity.Climate__c": "region", "Signature__c.Signer__c": "signer"},
        objects={"Deal_Approval__c": {"id": "Id", "case": "Deal__c"}},
    )
    catalog = catalog_with(mapping)
    assert catalog["Opportunity"]["Climate__c"] is Kind.TEXT
    assert catalog["Signature__c"] == {"Id": Kind.ID, "Signer__c": Kind.TEXT}
    assert catalog["Deal_Approval__c"]["Deal__c"] is Kind.ID
    assert "Climate__c" not in CATALOG["Opportunity"]
