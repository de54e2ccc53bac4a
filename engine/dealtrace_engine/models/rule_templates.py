"""The templates of rules: Declare's, and those that lead-to-cash needs besides.

Declare's templates keep the names of the field (Pesic, Schonenberg, van der Aalst, "DECLARE: Full Support for
Loosely-Structured Processes", EDOC 2007; Di Ciccio, Mecella, "On the Discovery of Declarative Control Flows
for Artful Processes", ACM TMIS 5(4), 2015). A is the rule's `activity`, B its `other`; each may be several
activities, any of which counts.

======================== ===========================================================================
template                 what it asks of a case
======================== ===========================================================================
existence                A at least `count` times (1)
absence                  A not at all
at_least, at_most        A at least, at most, `count` times
exactly                  A `count` times
init, end                A as the first, the last event
responded_existence      if A, then B, before or after
co_existence             A and B, or none of them
response                 after each A, B at some time
alternate_response       after each A, B before the next A
chain_response           right after each A, B
precedence               before each B, A at some time
alternate_precedence     before each B, A since the B before
chain_precedence         right before each B, A
succession, alternate_, chain_succession   the response and the precedence of the same kind
not_co_existence         not both A and B
not_succession           no B after an A
not_chain_succession     no B right after an A
choice                   A or B
exclusive_choice         A or B, not both
four_eyes                nobody does both an A and a B; asked of cases with an A and a B of which it is
                         known who did them
same_person              one person does all A and B; asked of cases with an A and a B of which it is known
                         who did them, or with both where two people are known; without B, of cases with
                         an A by somebody known. With B, a case with an A only is not asked, whoever did it:
                         name both in `activity`, without `other`, to ask it too
on_time                  A not after a date of the case: the last A, or with `occurrence` the first
not_overdue              A has happened once a date of the case has passed
condition                what `must` says of the case
never_falls              a number of the events of A never falls
no_skip                  the events of A pass no step of an `order` over
======================== ===========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LIMITS = ("at_least", "at_most")


@dataclass(frozen=True)
class Template:
    """What a template takes.

    Attributes
    ----------
    kind : str
        How it is evaluated: a constant of `kernels.rules`.
    needs, may : tuple of str
        Fields of a rule that it must have, and others that it may have.
    activation : {"activity", "other"}
        Which events a condition on events is about: those that ask for something.
    timed : bool
        Whether its violations have days that are lost.
    """

    kind: str
    needs: tuple[str, ...] = ("activity",)
    may: tuple[str, ...] = ()
    activation: Literal["activity", "other"] = "activity"
    timed: bool = False


BOTH = ("activity", "other")


def _ordered(kind: str) -> dict[str, Template]:
    """Return the plain, alternate and chain forms of a template."""
    activation: Literal["activity", "other"] = "other" if kind == "precedence" else "activity"
    names = (kind, f"alternate_{kind}", f"chain_{kind}")
    return {name: Template(name.upper(), BOTH, LIMITS, activation) for name in names}


TEMPLATES: dict[str, Template] = {
    "existence": Template("COUNT", may=("count",)),
    "absence": Template("COUNT"),
    "at_least": Template("COUNT", ("activity", "count")),
    "at_most": Template("COUNT", ("activity", "count")),
    "exactly": Template("COUNT", ("activity", "count")),
    "init": Template("INIT"),
    "end": Template("END"),
    "responded_existence": Template("RESPONDED_EXISTENCE", BOTH),
    "co_existence": Template("CO_EXISTENCE", BOTH),
    **_ordered("response"),
    **_ordered("precedence"),
    **_ordered("succession"),
    "not_co_existence": Template("NOT_CO_EXISTENCE", BOTH),
    "not_succession": Template("NOT_SUCCESSION", BOTH),
    "not_chain_succession": Template("NOT_CHAIN_SUCCESSION", BOTH),
    "choice": Template("CHOICE", BOTH),
    "exclusive_choice": Template("EXCLUSIVE_CHOICE", BOTH),
    "four_eyes": Template("FOUR_EYES", BOTH, ("attribute",)),
    "same_person": Template("SAME_PERSON", may=("other", "attribute")),
    "on_time": Template("ON_TIME", ("activity", "attribute"), ("occurrence", "grace"), timed=True),
    "not_overdue": Template("NOT_OVERDUE", ("activity", "attribute"), ("grace",), timed=True),
    "condition": Template("CONDITION", ("must",)),
    "never_falls": Template("NEVER_FALLS", ("attribute",), ("activity",)),
    "no_skip": Template("NO_SKIP", ("order",), ("activity", "attribute")),
}
"""The templates by name."""
COMMON = (
    "id", "template", "name", "names", "description", "severity", "owner", "given", "when", "exceptions",
    "working_time",
)  # fmt: skip
"""Fields that every rule may have; `working_time` only with a limit of time."""
