"""Keyed hashing: every random choice is a 64-bit hash of the row's own keys.

No generator is seeded or advanced, so a retried task, another partition size or another row order
gives the same numbers.
"""

import numpy as np

from winnow.arrays.compiled import compiled, inlined

U = np.uint64
_STEP = U(0x9E3779B97F4A7C15)
_MULTIPLIER_1 = U(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = U(0x94D049BB133111EB)
_S27, _S30, _S31, _S32, _S11 = U(27), U(30), U(31), U(32), U(11)
_LOW_32 = U(0xFFFFFFFF)
_UNIT_53 = 2.0**-53

KEEP_STREAM = U(1)
SHUFFLE_STREAM = U(5)
CAP_STREAM = U(1001)
REPEAT_STREAM = U(1002)
REPEATED_STREAM = U(1003)
EVALUATION_STREAM = U(1004)
"""What the hashes of positives are for, the last one of requests; those for negatives have the
streams of their sources."""

POOL_STREAM = U(1005)
"""Of pools, whose draws are no positive's: date, pool, source and draw number follow."""


@inlined
def mix64(x):  # type: ignore[no-untyped-def]
    """Return a well-mixed 64-bit hash of a uint64.

    Source:
        Steele, Lea, Flood 2014, "Fast Splittable Pseudorandom Number Generators"; the constants
        are variant 13 of Stafford's mixers, as in SplitMix64.
    """
    x = (x ^ (x >> _S30)) * _MULTIPLIER_1
    x = (x ^ (x >> _S27)) * _MULTIPLIER_2
    return x ^ (x >> _S31)


@inlined
def fold(state, value):  # type: ignore[no-untyped-def]
    """Return the hash of a uint64 state followed by one more uint64 value."""
    return mix64((state + _STEP) ^ mix64(value + _STEP))


@inlined
def unit(bits):  # type: ignore[no-untyped-def]
    """Return a float64 in [0, 1) made of the upper 53 bits."""
    return (bits >> _S11) * _UNIT_53


@inlined
def below(bits, n):  # type: ignore[no-untyped-def]
    """Return an integer in [0, n), as uint64: the upper half of the 128-bit product bits · n.

    Each value has a chance of 1/n to within 2^-64, without the modulus that would favour small
    numbers. ``n`` is a uint64 in [1, 2^63).

    Source:
        Lemire 2019, "Fast Random Integer Generation in an Interval", section 3.
    """
    high, low = bits >> _S32, bits & _LOW_32
    n_high, n_low = n >> _S32, n & _LOW_32
    cross_1, cross_2 = high * n_low, low * n_high
    carry = ((low * n_low) >> _S32) + (cross_1 & _LOW_32) + (cross_2 & _LOW_32)
    return high * n_high + (cross_1 >> _S32) + (cross_2 >> _S32) + (carry >> _S32)


@inlined
def row_hash(seed, user, request, item):  # type: ignore[no-untyped-def]
    """Return the hash that all choices for one (user, request, item) start from; all uint64."""
    return fold(fold(fold(seed, user), request), item)


@compiled
def seed_state(seed, epoch):  # type: ignore[no-untyped-def]
    """Return what the hashes of a build start from; those of positives have epoch 0."""
    return fold(mix64(seed), epoch)
