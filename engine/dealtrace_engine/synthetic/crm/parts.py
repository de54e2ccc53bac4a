"""A large organisation is made part by part, so that memory holds one at a time."""

from __future__ import annotations

from dataclasses import dataclass

CASES = 1 << 16
"""Cases of a part: about 56,000 deals and the leads that are dropped beside them."""
_KEYS, _NUMBERS = 1_000_000, 10_000_000
"""How many keys of records, and numbers of rows that nothing points to, each part has for itself."""


@dataclass(frozen=True)
class Part:
    """Some cases of an organisation, one after the other.

    Users, customers, products and currencies are the same in all parts; everything else belongs to one.

    Attributes
    ----------
    number : int
        From 0.
    size : int
        Cases of every part but the last, which may have fewer.
    of : int
        Cases of the organisation.
    """

    number: int
    size: int
    of: int

    @property
    def first(self) -> int:
        """The first case."""
        return self.number * self.size

    @property
    def last(self) -> int:
        """The case after the last."""
        return min(self.first + self.size, self.of)

    @property
    def is_first(self) -> bool:
        """Whether what all parts share is written with this one."""
        return self.number == 0

    @property
    def is_whole(self) -> bool:
        """Whether there is no other part."""
        return self.size >= self.of

    @property
    def keys_before(self) -> int:
        """What the keys of records begin after."""
        return self.number * _KEYS

    @property
    def numbers_before(self) -> int:
        """What the numbers of rows begin after."""
        return self.number * _NUMBERS


def whole(deals: int) -> Part:
    """Return the organisation in one part."""
    from dealtrace_engine.synthetic.cases import case_count

    of = case_count(deals)
    return Part(0, of, of)


def parts(deals: int, cases: int = CASES) -> list[Part]:
    """Return the parts of an organisation.

    Examples
    --------
    >>> [(part.first, part.last) for part in parts(120_000)]
    [(0, 65536), (65536, 131072), (131072, 139999)]
    """
    from dealtrace_engine.synthetic.cases import case_count

    assert cases <= CASES, "keys of a part would reach into the next"
    of = case_count(deals)
    return [Part(number, cases, of) for number in range(-(-of // cases))]
