"""The currency of each case, by its code."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from dealtrace_engine.analyses.grouping import groups_of
from dealtrace_engine.log import EventLog
from dealtrace_engine.quality import Finding

CURRENCY = ("currency", "currency_code", "currencyisocode", "transactioncurrencyid")
"""Attributes that are taken for the currency where none is named, in upper or lower case."""
CODE = re.compile("[A-Z]{3}")


def currency_column(log: EventLog) -> str | None:
    """Return the first attribute of the log that is called like one of `CURRENCY`; None without any."""
    names = {name.lower(): name for name in reversed(log.attribute_names)}
    return next((names[one] for one in CURRENCY if one in names), None)


def currencies_of(
    log: EventLog, name: str
) -> tuple[tuple[str | None, ...], NDArray[np.int32], list[Finding]]:
    """Return the currencies by name, None last, the place of each case's among them, and what was read anew.

    Codes of three letters are one currency however they are written: ``eur`` and `` EUR `` are ``EUR``.

    Raises
    ------
    SchemaError
        There is no such attribute, or it varies within cases.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from dealtrace_engine.sources.memory import from_arrow
    >>> log = from_arrow(pa.table({"case": ["1", "2"], "activity": ["a"] * 2, "time": ["2024-01-01"] * 2,
    ...                            "currency": ["EUR", " eur"]}))
    >>> names, places, findings = currencies_of(log, "currency")
    >>> names, places.tolist(), findings[0].reason, findings[0].count
    (('EUR',), [0, 0], "currency ' eur' in 'currency' read as 'EUR'", 1)
    """
    groups = groups_of(log, name)
    written = [None if one is None else str(one) for one in groups.keys.columns[0].to_pylist()]
    read = [_code(one) for one in written]
    names = sorted(set(read), key=lambda one: (one is None, one or ""))
    findings = []
    for own, code, cases in zip(written, read, groups.sizes.tolist(), strict=True):
        if own != code:
            findings.append(Finding(f"currency {own!r} in {name!r} read as {code!r}"))
            findings[-1].add(cases, [])
    places = np.array([names.index(one) for one in read], dtype=np.int32)
    return tuple(names), places[groups.codes], findings


def _code(written: str | None) -> str | None:
    code = None if written is None else written.strip().upper()
    return code if code is not None and CODE.fullmatch(code) else written
