"""The ids of records in a synthetic Salesforce."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dealtrace_engine.synthetic.ids import record_ids

if TYPE_CHECKING:
    import polars as pl

    from dealtrace_engine.synthetic.crm.parts import Part

PREFIXES = {
    "Account": "001", "Contact": "003", "OpportunityContactRole": "00K", "User": "005", "Opportunity": "006",
    "OpportunityHistory": "008", "Organization": "00D", "UserRole": "00E", "Lead": "00Q", "Task": "00T",
    "Event": "00U", "CampaignMember": "00v", "OpportunityLineItem": "00k", "RecordType": "012",
    "OpportunityFieldHistory": "017", "LeadHistory": "01e", "Product2": "01t", "CurrencyType": "01L",
    "DatedConversionRate": "04w", "PricebookEntry": "01u", "Pricebook2": "01s", "LeadStatus": "01J",
    "OpportunityStage": "01J", "EmailMessage": "02s", "ProcessInstance": "04g", "ProcessInstanceStep": "04h",
    "ProcessInstanceWorkitem": "04i", "ProcessDefinition": "04a", "Quote": "0Q0", "QuoteLineItem": "0QL",
    "QuoteDocument": "0QD", "QuoteHistory": "0QH", "Campaign": "701", "Contract": "800", "Order": "801",
    "OrderItem": "802", "ContractHistory": "8H0", "OrderHistory": "8H1", "Invoice": "3tt",
    "InvoiceLine": "4tt", "InvoiceHistory": "3tH", "Payment": "0aQ", "PaymentLineInvoice": "1PL",
    "PaymentGroup": "0b0", "ApprovalSubmission": "51S", "ApprovalWorkItem": "51W", "Case": "500",
    "Profile": "00e", "FieldHistory": "737",
}  # fmt: skip
PACKAGED_PREFIXES = {
    "Quote": "a0Q", "QuoteLineItem": "a0L", "QuoteHistory": "0ZQ", "Invoice": "a1I", "InvoiceLine": "a1L",
    "InvoiceHistory": "0ZI", "Payment": "a1P", "PaymentLineInvoice": "a1A",
}  # fmt: skip
_SERVER = "5g0"
_FIRST, _STRIDE = 5_700_000, 3


class RecordIds:
    """Ids of 18 characters, by object and key; made once per object and looked up from then on.

    Parameters
    ----------
    packaged : bool
        Whether quotes, invoices and payments are those of the managed packages, whose ids begin otherwise.
    part : Part, optional
        Of the organisation whose ids these are.
    """

    def __init__(self, packaged: bool = False, part: Part | None = None) -> None:
        self._numbers_before = part.numbers_before if part else 0
        self._prefixes = {**PREFIXES, **(PACKAGED_PREFIXES if packaged else {})}
        self._made: dict[str, tuple[int, pl.Series]] = {}

    def of(self, object_name: str, keys: pl.Series) -> pl.Series:
        """Return the ids of the records with these keys, which begin with 1; null stays null."""
        import polars as pl

        lowest, highest = keys.min(), keys.max()
        if not isinstance(lowest, int) or not isinstance(highest, int):
            return pl.Series([None] * len(keys), dtype=pl.String)
        first, made = self._made.get(object_name, (lowest, None))
        if made is None or lowest < first or highest >= first + len(made):
            first = min(first, lowest)
            last = max(first + (0 if made is None else len(made)), highest + 1)
            made = self._make(object_name, first, last)
            self._made[object_name] = first, made
        return made.gather(keys - first)

    def numbered(self, object_name: str, count: int) -> pl.Series:
        """Return the ids of `count` records that nothing points to."""
        first = self._numbers_before + 1
        return self._make(object_name, first, first + count)

    def _make(self, object_name: str, first: int, last: int) -> pl.Series:
        import polars as pl

        prefix = (self._prefixes[object_name] + _SERVER).encode()
        numbers = _FIRST + _STRIDE * np.arange(first, last, dtype=np.int64)
        ids = pl.Series(record_ids((prefix,), np.zeros(last - first, np.int64), numbers))
        return ids.cast(pl.String)
