import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dealtrace_engine.errors import SchemaError
from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.salesforce.memory_tables import from_frames
from salesforce_exports import OPPORTUNITY, OTHER, typed

DEALS = {
    "id": [OPPORTUNITY, OTHER],
    "stage_name": ["Won", "Lost"],
    "amount": [1.5, None],
    "is_won": [True, False],
}


@pytest.mark.parametrize(
    "name", ["Opportunity", "OPPORTUNITY", "opportunity", "opportunities", "sf_opportunity"]
)
@pytest.mark.parametrize(
    "made", [pl.DataFrame, pl.LazyFrame, pd.DataFrame, pa.table], ids=["polars", "lazy", "pandas", "pyarrow"]
)
def test_whatever_speaks_arrow_under_whatever_name(name, made):
    raw = from_frames({name: made(DEALS)}, CrmMapping())
    assert (raw.shape, raw.label) == ("memory", "memory")
    assert typed(raw, "Opportunity", "Id", "StageName", "Amount", "IsWon") == [
        (OPPORTUNITY, "Won", 1.5, True), (OTHER, "Lost", None, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"deals": pl.DataFrame(DEALS)}, "'deals', which is no object of Salesforce.*Opportunity"),
        ({"lead": pl.DataFrame(DEALS), "Lead": pl.DataFrame(DEALS)}, "both 'lead' and 'Lead'"),
        ({"Opportunity": 3}, "is a int, which is no table"),
        ({"Opportunity": pl.DataFrame({"stage_name": ["x"]})}, "has no column Id"),
    ],
)
def test_tables_that_cannot_be_taken(tables, message):
    with pytest.raises(SchemaError, match=message):
        from_frames(tables, CrmMapping())
