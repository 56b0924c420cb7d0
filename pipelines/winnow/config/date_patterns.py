"""Dates as folder names and partition values write them."""

import re
from datetime import date, datetime

NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
"""What Hive and Spark write in the place of a partition value that is NULL."""

_USUAL = {r"\d{4}-\d{2}-\d{2}": "%Y-%m-%d", r"\d{8}": "%Y%m%d"}
"""What is read without a pattern; eight digits are no date in any other order of the parts."""
_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2, "b": 3}
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_YEARS = range(1970, 2100)


def pattern_error(pattern: str) -> str | None:
    """Return what is wrong with a pattern of dates in folder names, or None."""
    letters = _DIRECTIVE.findall(pattern)
    unknown = sorted({letter for letter in letters if letter not in (*_WIDTHS, "%")})
    if unknown:
        known = " ".join(f"%{letter}" for letter in _WIDTHS)
        return f"must be a pattern of {known}; %{unknown[0]} is none of them"
    if len(set(letters)) != len(letters):
        return "must be a pattern that names each part once"
    day = "j" in letters or ("d" in letters and ("m" in letters or "b" in letters))
    if not day or not {"Y", "y"} & set(letters):
        return "must be a pattern with year, month and day, such as %Y%m%d"
    if pattern != pattern.strip("/") or "//" in pattern:
        return "must be a pattern that neither begins nor ends with a slash"
    return None


def date_in(text: str, pattern: str | None) -> date | None:
    """Return the date that a text writes out, or None where it writes none.

    Args:
        text: A folder's name, or a partition's value.
        pattern: As ``datetime.strftime`` writes it; None stands for 2026-01-02 and 20260102.
    """
    if pattern is None:
        pattern = next((p for form, p in _USUAL.items() if re.fullmatch(form, text)), None)
        if pattern is None:
            return None
    try:
        found = datetime.strptime(text, pattern)
    except ValueError:
        return None
    # Else 2026-1-2 is read by a pattern of two digits each.
    return found.date() if found.strftime(pattern) == text and found.year in _YEARS else None
