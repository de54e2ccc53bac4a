"""Families of rules: all activities are in one, and none asks for a table that an earlier one let go."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dealtrace_engine.sources.crm.mapping import CrmMapping
from dealtrace_engine.sources.crm.read import log_of
from dealtrace_engine.sources.crm.tables import CrmTables
from dealtrace_engine.sources.dynamics.asked import asked
from dealtrace_engine.sources.dynamics.families import FAMILIES
from dealtrace_engine.sources.dynamics.objects import CATALOG
from dealtrace_engine.sources.dynamics.rules import CONTRACTS, RULES
from dealtrace_engine.sources.dynamics.shapes import SHAPES
from dealtrace_engine.sources.dynamics.system import SYSTEM
from dealtrace_engine.synthetic.crm.writing import write_organisation

if TYPE_CHECKING:
    import polars as pl


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each object that the export has was read."""
    times: Counter[str] = Counter()
    typed = CrmTables._typed

    def counted(tables: CrmTables, name: str, frame: pl.LazyFrame | None, **more: Any) -> Any:
        if frame is not None:
            times[f"{name}@" if more else name] += 1
        return typed(tables, name, frame, **more)

    monkeypatch.setattr(CrmTables, "_typed", counted)
    return times


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """How to write a small organisation in a shape, each once."""
    folder = tmp_path_factory.mktemp("families")

    def write(shape: str) -> Path:
        if not (folder / shape).exists():
            write_organisation("dynamics", shape, 40, 5, folder / shape)
        return folder / shape / "export"

    return write


def reads(path: Path, shape: str, mapping: CrmMapping, read: Counter[str]) -> dict[str, int]:
    log_of(SYSTEM, SYSTEM.read_raw(path, shape, mapping), mapping)
    return {name: times for name, times in read.items() if times > 1}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_object_is_read_twice(shape: str, read: Counter[str], written: Any) -> None:
    assert reads(written(shape), shape, CrmMapping(), read) == {}
    assert {"opportunity", "lead"} <= set(read)


@pytest.mark.parametrize("leading", ["lead", "quote", "order", "invoice"])
def test_no_object_is_read_twice_for_another_case(leading: str, read: Counter[str], written: Any) -> None:
    mapping = CrmMapping(leading=leading, link_by_account=True)
    assert reads(written("synapse-append"), "synapse-append", mapping, read) == {}


@pytest.mark.parametrize("mapping", [
    CrmMapping(flatten="primary", every_contact=True),
    CrmMapping(ladders={"first_customer_contact": ["D1", "D2", "D3", "D4"]}),
    CrmMapping(fields={"task.subject": "topic", "opportunity.budgetamount": "budget"}),
    CrmMapping(objects={"task": {"id": "activityid", "case": "regardingobjectid",
                                 "contract_signed": "actualend"}}),
])  # fmt: skip
def test_no_object_is_read_twice_for_what_a_mapping_asks(
    mapping: CrmMapping, read: Counter[str], written: Any
) -> None:
    assert reads(written("web-api"), "web-api", mapping, read) == {}


def test_every_activity_is_in_one_family() -> None:
    named = [activity for family in FAMILIES for activity in family.activities]
    assert len(named) == len(set(named))
    assert set(named) == {rule.activity for rule in RULES} - {"contract_signed"}


@pytest.mark.parametrize("leading", ["lead", "opportunity", "quote", "order", "invoice"])
def test_what_rules_need_is_read(leading: str) -> None:
    needs = {need for rule in RULES for need in rule.needs} - {CONTRACTS} | {*SYSTEM.described_by}
    ladders = {"first_customer_contact": ["D1", "D2", "D3", "D4"]}
    columns = asked(CrmMapping(leading=leading, link_by_account=True, ladders=ladders))
    for table, _, column in (need.partition(".") for need in needs):
        assert column in columns.get(table, CATALOG[table]), f"{table}.{column}"
    assert all(set(names) <= set(CATALOG[table]) for table, names in columns.items())
