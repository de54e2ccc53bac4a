"""The stages of opportunities: what they are called and which comes after which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dealtrace_engine.sources.crm.ids import held
from dealtrace_engine.sources.crm.names import normal
from dealtrace_engine.sources.crm.stage_names import StageNames
from dealtrace_engine.sources.dynamics.codes import option_labels
from dealtrace_engine.sources.dynamics.objects import KEYS

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping
    from dealtrace_engine.sources.crm.tables import CrmTables

PROCESSES = ("opportunitysalesprocess", "leadtoopportunitysalesprocess", "customsalesprocess")
"""Tables of instances of business process flows that opportunities go through."""
SALES_STAGES = ("salesstage", "salesstagecode")
"""Columns of an opportunity that hold a stage by its code."""


def stage_names(tables: CrmTables) -> pl.LazyFrame:
    """Return the stages of all processes with their names: stage (id), name."""
    import polars as pl

    rows = [tables.table("processstage").select(stage="processstageid", name="stagename")]
    rows += [
        tables.table(table).select(stage="activestageid", name="activestageidname") for table in PROCESSES
    ]
    named = pl.concat(rows).filter(pl.col("stage").is_not_null() & pl.col("name").is_not_null())
    return named.unique("stage", keep="first", maintain_order=True)


def paths(tables: CrmTables) -> pl.LazyFrame:
    """Return the stages that each instance of a process went through, in order.

    Returns
    -------
    LazyFrame
        instance, opportunity, stage (id), place (from 0), stages (of the instance), createdon,
        activestagestartedon, by, process_table.
    """
    import polars as pl

    found = [
        tables.table(table).select(
            instance=KEYS[table],
            opportunity=pl.coalesce("opportunityid", "bpf_opportunityid"),
            stage=pl.col("traversedpath").str.to_lowercase().str.split(","),
            createdon="createdon",
            activestagestartedon="activestagestartedon",
            by="modifiedby",
            process_table=pl.lit(table),
        )
        for table in PROCESSES
    ]
    rows = pl.concat(found).filter(pl.col("stage").is_not_null())
    rows = rows.with_columns(
        stages=pl.col("stage").list.len(), place=pl.int_ranges(pl.col("stage").list.len())
    )
    exploded = rows.explode("stage", "place")
    return exploded.with_columns(held(tables.ids, pl.col("stage").str.strip_chars("{} ")))


def stage_places(tables: CrmTables, mapping: CrmMapping) -> pl.LazyFrame:
    """Return where each stage stands: name (in the form of `names.normal`), place.

    That is the order of the mapping, else where the stage stands on average when an instance of a process
    first comes to it, else its category; stages known by code only stand in the order of their codes.
    """
    import polars as pl

    def make() -> pl.LazyFrame:
        places = {normal(name): float(place) for place, name in enumerate(mapping.stage_order)}
        places = places or {**_by_code(tables), **_by_category(tables), **_by_path(tables)}
        columns = {"name": list(places), "place": list(places.values())}
        return pl.LazyFrame(columns, schema={"name": pl.String, "place": pl.Float64})

    return tables.once(f"stage places {mapping.stage_order}", make)


def ordered_stages(tables: CrmTables, mapping: CrmMapping) -> StageNames:
    """Return the stages of all processes from first to last; history has their ids, so no former names."""
    import polars as pl

    places = dict(stage_places(tables, mapping).collect().iter_rows())
    names = stage_names(tables).select(pl.col("name").unique()).collect()["name"].to_list()
    return StageNames(sorted(names, key=lambda name: (places.get(normal(name), len(places)), name)))


def _by_path(tables: CrmTables) -> dict[str, float]:
    import polars as pl

    first = paths(tables).group_by("instance", "stage").agg(place=pl.col("place").min())
    mean = first.group_by("stage").agg(place=pl.col("place").mean())
    return _named(mean.join(stage_names(tables), on="stage"))


def _by_category(tables: CrmTables) -> dict[str, float]:
    import polars as pl

    rows = tables.table("processstage").select(name="stagename", place="stagecategory")
    return _named(rows.filter(pl.all_horizontal(pl.all().is_not_null())))


def _by_code(tables: CrmTables) -> dict[str, float]:
    import polars as pl

    rows = (
        option_labels(tables)
        .lazy()
        .filter((pl.col("table") == "opportunity") & pl.col("column").is_in(list(SALES_STAGES)))
    )
    return _named(rows.select(name="label", place="code"))


def _named(rows: pl.LazyFrame) -> dict[str, float]:
    """Return the mean place of stages of one name."""
    import polars as pl

    means = rows.group_by("name").agg(pl.col("place").cast(pl.Float64).mean()).sort("name").collect()
    return {normal(name): place for name, place in means.iter_rows()}


def renamed(column: str, mapping: CrmMapping) -> pl.Expr:
    """Return names of stages as they are now, where the mapping knows that they had others."""
    import polars as pl

    from dealtrace_engine.sources.crm.names import normal_column

    if not mapping.stage_aliases:
        return pl.col(column)
    aliases = {normal(old): new for old, new in mapping.stage_aliases.items()}
    now = normal_column(pl.col(column)).replace_strict(aliases, default=None, return_dtype=pl.String)
    return pl.coalesce(now, column)
