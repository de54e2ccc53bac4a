"""Rule ladders: several ways to find when something happened; of each fact, the first that yields counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dealtrace_engine.parallel import map_blocks
from dealtrace_engine.sources.crm.events import HELD, RANKS, event_schema, no_events
from dealtrace_engine.sources.crm.ids import Ids, held, written
from dealtrace_engine.sources.crm.tables import CrmTables

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.sources.crm.mapping import CrmMapping

Finder = Callable[[CrmTables, "CrmMapping"], "pl.LazyFrame"]


@dataclass(frozen=True)
class Rule:
    """One way to find an activity.

    Attributes
    ----------
    id : str
        ``"SF1"``, ``"D2"``: its place in the ladder of its activity, as the specification numbers it.
    activity : str
        Canonical id.
    source_object : str
        The object whose rows are the evidence.
    quality : str
        One of `events.QUALITIES`.
    find : callable (tables, mapping) -> LazyFrame
        Columns of `events.event_schema`, those that it knows; always fact, object, record_id and timestamp.
        Rows without a timestamp are no events.
    needs : tuple of str
        Columns as ``"Object.Column"`` without which the rule cannot yield; said in the coverage report.
    default : bool
        Whether it is used unless the mapping says so.
    verified : bool
        Whether its meaning is documented by the CRM's vendor; what is not is said in the report.
    """

    id: str
    activity: str
    source_object: str
    quality: str
    find: Finder
    needs: tuple[str, ...] = ()
    default: bool = True
    verified: bool = True

    @property
    def name(self) -> str:
        """Activity and place, unique among all rules: what `rule_id` says."""
        return f"{self.activity}.{self.id}"


def derived(rules: Sequence[Rule], tables: CrmTables, mapping: CrmMapping) -> pl.DataFrame:
    """Run the rules and keep, of each fact of an activity, the rows of the first rule that has any.

    Parameters
    ----------
    rules : sequence of Rule
        In the order of their ladders.
    tables : CrmTables
    mapping : CrmMapping
        May leave rules out or change their order.

    Returns
    -------
    DataFrame
        Columns of `events.event_schema`, and order_rank.
    """
    import polars as pl

    found = by_activity(mapping.ladder(rules), tables, mapping)
    found = [rows.with_columns(tables.ids.texts(rows["fact"])) for rows in found]
    return pl.concat(found, rechunk=False) if found else no_events(tables.ids)


def by_activity(
    rules: Sequence[Rule], tables: CrmTables, mapping: CrmMapping,
    kept: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows, threads: int | None = None,
) -> list[pl.DataFrame]:  # fmt: skip
    """Return the events of each rule, activity by activity; see `derived`.

    Ladders are worked out side by side, a few at a time: all at once would hold the rows of every rule in
    memory.

    Parameters
    ----------
    rules : sequence of Rule
        Those that the mapping uses.
    tables : CrmTables
    mapping : CrmMapping
    kept : callable (DataFrame) -> DataFrame, optional
        Makes of the events of a rule what is held of them.
    threads : int, optional
    """
    import polars as pl

    ladders: dict[str, list[Rule]] = {}
    for rule in rules:
        ladders.setdefault(rule.activity, []).append(rule)
    rank = pl.col("activity").replace_strict(RANKS, default=None, return_dtype=pl.Int32)

    def events(ladder: Sequence[Rule]) -> list[pl.DataFrame]:
        found = [rule.find(tables, mapping) for rule in ladder]
        facts = {frame.collect_schema()["fact"] for frame in found}
        kind = facts.pop() if len(facts) == 1 else pl.String()
        frames = [completed(frame, rule, tables.ids, kind) for frame, rule in zip(found, ladder, strict=True)]
        timed = [frame.filter(pl.col("timestamp").is_not_null()) for frame in frames]
        return [kept(rows) for rows in first_that_yields([f.with_columns(order_rank=rank) for f in timed])]

    return [rows for found in map_blocks(events, list(ladders.values()), threads=threads) for rows in found]


def first_that_yields(ladder: Sequence[pl.LazyFrame]) -> Iterator[pl.DataFrame]:
    """Yield the rows of each frame whose facts no earlier frame has."""
    known: list[pl.Series] = []
    for place, frame in enumerate(ladder):
        for facts in known:
            frame = frame.join(facts.to_frame().lazy(), on="fact", how="anti", nulls_equal=True,
                               maintain_order="left")  # fmt: skip
        rows = frame.collect()
        if rows.height:
            if place < len(ladder) - 1:
                known.append(rows["fact"].unique())
            yield rows


def completed(frame: pl.LazyFrame, rule: Rule, ids: Ids, fact: pl.DataType) -> pl.LazyFrame:
    """Return the frame with every column of an event: what the rule does not know is null.

    Parameters
    ----------
    frame : LazyFrame
    rule : Rule
    ids : Ids
        How ids are held.
    fact : DataType
        What facts are in the ladder of the rule: ids as they are held, or texts.
    """
    import polars as pl

    given = {
        "activity": pl.lit(rule.activity),
        "rule_id": pl.lit(rule.name),
        "source_object": pl.lit(rule.source_object),
        "ts_quality": pl.lit(rule.quality),
        "ts_precision": pl.lit("instant"),
    }
    known = frame.collect_schema()

    def column(name: str, kind: pl.DataType) -> pl.Expr:
        if known.get(name) == pl.UInt128() != kind:
            return written(ids, pl.col(name))
        if known.get(name) == pl.String() != kind and name in HELD:
            return held(ids, pl.col(name))
        return (pl.col(name) if name in known else given.get(name, pl.lit(None))).cast(kind).alias(name)

    schema = {**event_schema(ids), "fact": fact}
    return frame.select(column(name, kind) for name, kind in schema.items())
