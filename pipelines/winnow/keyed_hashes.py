"""Keyed 64-bit hashes in NumPy: those of the sampler's kernels, where no compiler is installed.

No generator is seeded or advanced: what is hashed decides, whoever asks first.
"""

import numpy as np
from numpy.typing import NDArray

Uint64s = NDArray[np.uint64]

_U = np.uint64
_STEP = _U(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = _U(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = _U(0x94D049BB133111EB)
_LOW_32 = _U(0xFFFFFFFF)


def folded(*values: int | Uint64s) -> Uint64s:
    """Return the hash of values, one folded into the next as ``fold`` of the kernels does.

    Args:
        values: Whole numbers, of which the lower 64 bits count, or arrays whose shapes NumPy
            broadcasts.

    Returns:
        uint64, of their common shape; (1,) where all are numbers.
    """
    with np.errstate(over="ignore"):
        state = _mixed(np.zeros(1, np.uint64))
        for value in values:
            of_value = np.array([value % 2**64], _U) if isinstance(value, int) else value
            state = _mixed((state + _STEP) ^ _mixed(of_value + _STEP))
    return state


def units(bits: Uint64s) -> NDArray[np.float64]:
    """Return numbers in [0, 1) made of the upper 53 bits, of the same shape."""
    return (bits >> _U(11)).astype(np.float64) * 2.0**-53


def below(bits: Uint64s, n: int) -> Uint64s:
    """Return whole numbers in [0, n), of the same shape; n is in [1, 2^63).

    Each is the upper half of the 128-bit product bits · n, without the modulus that would favour
    small numbers.

    Source:
        Lemire 2019, "Fast Random Integer Generation in an Interval", section 3.
    """
    with np.errstate(over="ignore"):
        high, low = bits >> _U(32), bits & _LOW_32
        n_high, n_low = _U(n >> 32), _U(n & 0xFFFFFFFF)
        cross_1, cross_2 = high * n_low, low * n_high
        carry = ((low * n_low) >> _U(32)) + (cross_1 & _LOW_32) + (cross_2 & _LOW_32)
        found: Uint64s = (
            high * n_high + (cross_1 >> _U(32)) + (cross_2 >> _U(32)) + (carry >> _U(32))
        )
    return found


def _mixed(x: Uint64s) -> Uint64s:
    """Mix 64 bits as SplitMix64 does (Steele, Lea, Flood 2014)."""
    x = (x ^ (x >> _U(30))) * _MULTIPLIER_1
    x = (x ^ (x >> _U(27))) * _MULTIPLIER_2
    return x ^ (x >> _U(31))
