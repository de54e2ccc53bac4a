"""Record ids, one character after the other."""

from __future__ import annotations

import re

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def checksum(text):
    """Return the three characters that tell which of the first fifteen are capitals."""
    blocks = (text[start : start + 5] for start in (0, 5, 10))
    return "".join(ALPHABET[sum(1 << i for i, c in enumerate(block) if "A" <= c <= "Z")] for block in blocks)


def salesforce_id(text):
    """Return the id as it is written and what it was."""
    if not text or re.fullmatch("0{15}([A-Za-z0-9]{3})?", text):
        return "", "MISSING"
    if re.fullmatch(r"[\d.,]*\d[\d.,]*[eE][+-]\d+", text) and not re.fullmatch(
        "[A-Za-z0-9]{15}|[A-Za-z0-9]{18}", text
    ):
        return "", "SCIENTIFIC"
    if not re.fullmatch("[A-Za-z0-9]{15}|[A-Za-z0-9]{18}", text, re.ASCII):
        return text, "OTHER"
    if len(text) == 15:
        return text + checksum(text), "COMPLETED"
    if checksum(text) == text[15:]:
        return text, "GOOD"
    if text in (text.lower(), text.upper()):
        restored = restored_case(text)
        if restored is not None:
            return restored, "REPAIRED"
    return text, "DAMAGED"


def restored_case(text):
    """Return the id with the capitals that its last three characters ask for, or None if they cannot be."""
    found = []
    for i, character in enumerate(text[:15]):
        place = ALPHABET.find(text[15 + i // 5].upper())
        if place < 0:
            return None
        capital = place >> i % 5 & 1
        if capital and character.isdigit():
            return None
        found.append(character.upper() if capital else character.lower())
    return "".join(found) + text[15:].upper()


def salesforce_number(text):
    """Return the number that an id of 18 characters is held as, 0 for null; None of no such id."""
    if text is None:
        return 0
    return (
        int.from_bytes(text[:15].encode() + b"\0", "big") if salesforce_id(text) == (text, "GOOD") else None
    )


def guid(text):
    """Return the GUID as it is written and what it was."""
    if not text:
        return "", "MISSING"
    bare = text[1:-1] if len(text) == 38 and text[0] == "{" and text[-1] == "}" else text
    if not re.fullmatch("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", bare):
        return text, "OTHER"
    if set(bare) == {"0", "-"}:
        return "", "MISSING"
    return bare.lower(), "GOOD" if bare == text == text.lower() else "REPAIRED"


def guid_number(text):
    """Return the number that a GUID writes, None if it is no GUID in lower case."""
    if text is None:
        return 0
    if not re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text, re.ASCII):
        return None
    return int(text.replace("-", ""), 16)
