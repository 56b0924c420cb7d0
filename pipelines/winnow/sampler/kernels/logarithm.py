"""A natural logarithm that is the same on every machine."""

import math

from winnow.arrays.compiled import inlined

_SQRT_HALF = 0.7071067811865476
_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10


@inlined
def natural_log(x):  # type: ignore[no-untyped-def]
    """Return ln x of a positive finite float64, to within about two units in the last place.

    The logarithms of NumPy, of the C library and of compilers differ between CPUs in some last
    bits. This one is made of additions, multiplications and one division only, each of which
    IEEE 754 defines to the last bit: x = m · 2^e, s = (m - 1) / (m + 1),
    ln m = 2 (s + s^3/3 + s^5/5 + …) with |s| < 0.172.
    """
    m, e = math.frexp(x)
    if m < _SQRT_HALF:
        m *= 2.0
        e -= 1
    s = (m - 1.0) / (m + 1.0)
    z = s * s
    tail = 0.0
    for k in range(25, 1, -2):
        tail = (tail + 1.0 / k) * z
    return e * _LN2_HIGH + (2.0 * s * (1.0 + tail) + e * _LN2_LOW)


@inlined
def rounded(x):  # type: ignore[no-untyped-def]
    """Return x rounded to a multiple of 1e-9, halves up."""
    return math.floor(x * 1e9 + 0.5) / 1e9
