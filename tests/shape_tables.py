"""Small CRM tables by hand, with a value for every trap that a writer of exports meets."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

ORG = "00D5g000004AbcDEAS"
USER, ACCOUNT = "0055g00000AAAAAAA4", "0015g00000AAAAAAAZ"
OPEN, WON, GONE = "0065g00000AAAAAAAV", "0065g00000AAAAaAAF", "0065g00000AAAAbAAF"
QUOTE = "0Q05g00000AAAAAAA1"
CREATED, CHANGED = datetime(2023, 1, 5, 17, 7, 21, tzinfo=UTC), datetime(2023, 7, 1, 23, 30, tzinfo=UTC)
TEXT = 'Says "yes",\nthen waits; ünïcode 受注'


def salesforce() -> dict[str, pl.DataFrame]:
    """Users, accounts, three opportunities of which one is deleted, their history, a quote and its line."""
    instant = pl.Datetime("us", "UTC")
    return {
        "User": pl.DataFrame({"Id": [USER], "Name": ["Zoë Müller"], "IsActive": [True]}),
        "Account": pl.DataFrame(
            {"Id": [ACCOUNT], "IsDeleted": [False], "Name": ["N/A"], "Region__c": ["NA"]}
        ),
        "Opportunity": pl.DataFrame(
            {
                "Id": [OPEN, WON, GONE],
                "IsDeleted": [False, False, True],
                "AccountId": [ACCOUNT, None, ACCOUNT],
                "Name": ["One", TEXT, "Three"],
                "StageName": ["Qualification", "Closed Won", "Closed Lost"],
                "Amount": [15000.0, 1500.25, None],
                "CloseDate": [date(2024, 1, 31), date(2023, 7, 1), date(2023, 12, 9)],
                "IsWon": [False, True, None],
                "CampaignId": [None, None, None],
                "ContractId": pl.Series([None, None, None], dtype=pl.String),
                "OwnerId": [USER, USER, None],
                "CreatedDate": pl.Series([CREATED, CHANGED, CREATED], dtype=instant),
                "LastStageChangeDate": pl.Series([None, CHANGED, CREATED], dtype=instant),
                "CurrencyIsoCode": ["EUR", "USD", "EUR"],
                "Locations__c": [2.0, 130.0, None],
            },
            schema_overrides={"CampaignId": pl.String},
        ),
        "OpportunityHistory": pl.DataFrame(
            {
                "Id": ["0085g00000AAAAAAAR", "0085g00000AAAAaAAB", "0085g00000AAAAbAAB"],
                "OpportunityId": [WON, WON, OPEN],
                "StageName": ["Qualification", "Closed Won", "Qualification"],
                "Amount": [1500.0, 1500.25, 15000.0],
                "Probability": [10.0, 100.0, 10.0],
                "CloseDate": [date(2023, 6, 1), date(2023, 7, 1), date(2024, 1, 31)],
                "CreatedById": [USER] * 3,
                "CreatedDate": pl.Series([CREATED, CHANGED, CREATED], dtype=instant),
            }
        ),
        "Quote": pl.DataFrame({"Id": [QUOTE], "OpportunityId": [WON], "Status": ["Accepted"]}),
        "OpportunityLineItem": pl.DataFrame(
            {"Id": ["00k5g00000AAAAAAA2"], "OpportunityId": [WON], "Quantity": [3.0]}
        ),
        "OrderStatus": pl.DataFrame({"Id": ["0aa5g00000AAAAAAA1"], "ApiName": ["Draft"]}),
    }


LEAD, DEAL, DONE, REP, FIRM, PERSON, CALL = (f"0000000{n}-aaaa-4bbb-8ccc-00000000000{n}" for n in range(1, 8))

CHANGEDATA = '{"changedAttributes":[{"logicalName":"statecode","oldValue":"0","newValue":"1"}]}'


def dynamics() -> dict[str, pl.DataFrame]:
    """A user, an account, a contact, two opportunities, a call, audit rows, and labels in two languages."""
    instant = pl.Datetime("us", "UTC")
    moments = pl.Series([CREATED, datetime(2025, 6, 1, 22, 0, 0, 26490, tzinfo=UTC)], dtype=instant)
    labels = [
        ("opportunity", "statecode", 0, "Open", 1033), ("opportunity", "statecode", 1, "Won", 1033),
        ("opportunity", "statecode", 0, "Offen", 1031), ("opportunity", "statecode", 1, "Gewonnen", 1031),
        ("opportunity", "statuscode", 1, "In Progress", 1033), ("opportunity", "statuscode", 3, "Won", 1033),
        ("opportunity", "salesstage", 2, "Propose", 1033), ("phonecall", "statecode", 1, "Completed", 1033),
    ]  # fmt: skip
    return {
        "systemuser": pl.DataFrame({"systemuserid": [REP], "fullname": ["Zoë Müller"]}),
        "account": pl.DataFrame({"accountid": [FIRM], "name": ["N/A"], "ownerid": [REP]}),
        "contact": pl.DataFrame({"contactid": [PERSON], "fullname": ["Ada Ito"]}),
        "opportunity": pl.DataFrame(
            {
                "opportunityid": [DEAL, DONE],
                "name": ["One", TEXT],
                "customerid": [FIRM, PERSON],
                "parentaccountid": [FIRM, None],
                "ownerid": [REP, REP],
                "estimatedvalue": [20000.0, 99.5],
                "estimatedclosedate": [date(2024, 5, 20), None],
                "salesstage": [2, None],
                "statecode": [0, 1],
                "statuscode": [1, 3],
                "isprivate": [False, True],
                "createdon": moments,
                "modifiedon": moments,
                "versionnumber": [81359849, 81359850],
                "new_region": ["North", "South"],
            }
        ),
        "phonecall": pl.DataFrame(
            {
                "activityid": [CALL], "subject": ["Call"], "regardingobjectid": [DEAL], "statecode": [1],
                "createdon": pl.Series([CREATED], dtype=instant),
            }
        ),
        "audit": pl.DataFrame(
            {
                "auditid": [LEAD],
                "action": [2],
                "objecttypecode": ["opportunity"],
                "objectid": [DONE],
                "userid": [REP],
                "createdon": pl.Series([CHANGED], dtype=instant),
                "changedata": [CHANGEDATA],
            }
        ),
        "stringmap": pl.DataFrame(
            [(f"{n:08}-0000-4000-8000-000000000000", *label) for n, label in enumerate(labels)],
            ["stringmapid", "objecttypecode", "attributename", "attributevalue", "value", "langid"],
            orient="row",
        ),
    }  # fmt: skip
