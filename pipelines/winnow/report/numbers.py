"""Figures as text: units, thousands separators, and no more digits than the figure carries."""

import math
from collections.abc import Callable
from functools import partial

from winnow.config.gates import Bounds

NOTHING = "–"
_SPACE = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
# Units that are written before their figure.
_BEFORE = {"p-value": "p", "-log10 p": f"{_MINUS}log10 p"}


def plain(value: float | None, digits: int = 3) -> str:
    """Return a number with thousands separators; fractions get ``digits`` significant digits.

    Example:
        1234567 gives 1,234,567; 0.043219 gives 0.0432; 0.50 gives 0.5; None gives a dash.
    """
    if value is None:
        return NOTHING
    if math.isnan(value):
        return "not a number"
    size, sign = abs(value), _MINUS if value < 0 else ""
    if math.isinf(value):
        return f"{sign}infinite"
    if float(value).is_integer():
        return f"{sign}{size:,.0f}"
    if size < 1e-4:
        mantissa, exponent = f"{size:.{digits - 2}e}".split("e")
        return f"{sign}{mantissa}e{_MINUS}{abs(int(exponent))}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{size:,.{decimals}f}"
    return sign + (text.rstrip("0").rstrip(".") if "." in text else text)


def aligned(value: float | None) -> str:
    """Return a number so that a column of its like can be compared at a glance.

    Example:
        0.81 gives 0.81, 1.2 gives 1.20, 46 gives 46.0, 119.4 gives 119, and 0.0192 gives 0.019.
    """
    if value is None or value == 0 or not math.isfinite(value):
        return plain(value)
    size, sign = abs(value), _MINUS if value < 0 else ""
    if size < 0.1:
        return plain(value, 2)
    decimals = 2 if size < 10 else 1 if size < 100 else 0
    return f"{sign}{size:,.{decimals}f}"


def share(value: float | None) -> str:
    """Return a fraction in per cent. Only 0 reads as 0 %, and only 1 as 100 %."""
    return _percent(value, aligned)


def _percent(value: float | None, number: Callable[[float | None], str]) -> str:
    if value is None or not math.isfinite(value):
        return plain(value)
    percent = 100 * value
    if 99.9 < percent < 100:
        # Rounding 99.996 to 100 would say that nothing is missing.
        decimals = min(6, max(2, math.ceil(-math.log10(100 - percent))))
        return f"{min(percent, 100 - 10**-decimals):.{decimals}f}{_SPACE}%"
    return f"{number(percent)}{_SPACE}%"


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole; None where there is no whole."""
    return part / whole if whole else None


def with_unit(value: float | None, unit: str) -> str:
    """Return a figure as a person writes it: ``5 rows``, ``1.2 %``, ``p = 0.04``, ``0.1 PSI``."""
    if value is None:
        return "could not be computed"
    if unit == "share":
        return _percent(value, plain)
    if unit in _BEFORE:
        return f"{_BEFORE[unit]} = {plain(value)}"
    one = value == 1 and unit.endswith("s")
    return f"{plain(value)}{_SPACE}{unit[:-1] if one else unit}".rstrip()


def allowed(bounds: Bounds | None, unit: str) -> str:
    """Return the figures that are allowed, as words."""
    if bounds is None:
        return "any figure"
    number = partial(_percent, number=plain) if unit == "share" else plain
    return bounds.in_words(number, partial(with_unit, unit=unit), exactly="exactly")


def change(before: float | None, after: float | None) -> tuple[str, str]:
    """Return the absolute and the relative change, both with their sign; dashes where unknown."""
    if before is None or after is None:
        return NOTHING, NOTHING
    if before == after:
        return "0", "the same"
    relative = signed_share((after - before) / abs(before)) if before else "was 0"
    return signed(after - before), relative


def signed(value: float) -> str:
    """Return a number with its sign, a plus too."""
    return f"+{plain(value)}" if value > 0 else plain(value)


def signed_share(value: float) -> str:
    """Return a fraction in per cent with its sign, to a hundredth, or a tenth from 10 % on."""
    percent = 100 * value
    text = f"{abs(percent):,.{2 if abs(percent) < 10 else 1}f}{_SPACE}%"
    return f"{'+' if value > 0 else _MINUS if value < 0 else ''}{text}"
