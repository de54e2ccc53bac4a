"""Rules on people and values on traces; see `naive.rules`."""

from naive.rules import TEMPLATES


def people_of(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)


def values_of(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)


def skips_of(trace, rule):
    return TEMPLATES[rule["template"]](trace, rule)


def ranks_of(codes, ranks):
    """The rank of each code, the last one for None."""
    return [ranks[-1 if code is None else code] for code in codes]
