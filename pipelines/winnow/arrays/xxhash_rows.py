"""xxhash64 of rows as engines compute it over several columns: each hash is the next one's seed.

Values lie one behind the other; those of row i are values[begins[i]:begins[i + 1]], in turn. A
value that is not valid is passed over, as ``xxhash64`` of Spark and Sail does with NULL.

Source:
    The specification of XXH64, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
"""

import numpy as np

from winnow.arrays.compiled import compiled, inlined

U = np.uint64
_P1, _P2 = U(0x9E3779B185EBCA87), U(0xC2B2AE3D27D4EB4F)
_P3, _P4, _P5 = U(0x165667B19E3779F9), U(0x85EBCA77C2B2AE63), U(0x27D4EB2F165667C5)
_S29, _S32, _S33 = U(29), U(32), U(33)
_BITS = U(64)
_LOW_32 = U(0xFFFFFFFF)


@inlined
def _rotated(x, bits):  # type: ignore[no-untyped-def]
    """Return 64 bits, rotated to the left."""
    return (x << U(bits)) | (x >> (_BITS - U(bits)))


@inlined
def _finished(h):  # type: ignore[no-untyped-def]
    """Return the mixed state of a hash."""
    h = (h ^ (h >> _S33)) * _P2
    h = (h ^ (h >> _S29)) * _P3
    return h ^ (h >> _S32)


@inlined
def _with_long(h, value):  # type: ignore[no-untyped-def]
    """Return a state that has taken eight bytes."""
    return _rotated(h ^ (_rotated(value * _P2, 31) * _P1), 27) * _P1 + _P4


@inlined
def _with_int(h, value):  # type: ignore[no-untyped-def]
    """Return a state that has taken four bytes."""
    return _rotated(h ^ ((value & _LOW_32) * _P1), 23) * _P2 + _P3


@inlined
def _read(data, at, size):  # type: ignore[no-untyped-def]
    """Return so many bytes as a number, the lowest first."""
    value = U(0)
    for i in range(size):
        value |= U(data[at + i]) << U(8 * i)
    return value


@inlined
def _of_bytes(data, begin, end, seed):  # type: ignore[no-untyped-def]
    """Return the hash of some bytes."""
    at = begin
    if end - begin >= 32:
        a, b, c, d = seed + _P1 + _P2, seed + _P2, seed, seed - _P1
        while end - at >= 32:
            a = _rotated(a + _read(data, at, 8) * _P2, 31) * _P1
            b = _rotated(b + _read(data, at + 8, 8) * _P2, 31) * _P1
            c = _rotated(c + _read(data, at + 16, 8) * _P2, 31) * _P1
            d = _rotated(d + _read(data, at + 24, 8) * _P2, 31) * _P1
            at += 32
        h = _rotated(a, 1) + _rotated(b, 7) + _rotated(c, 12) + _rotated(d, 18)
        for lane in (a, b, c, d):
            h = (h ^ (_rotated(lane * _P2, 31) * _P1)) * _P1 + _P4
    else:
        h = seed + _P5
    h += U(end - begin)
    while end - at >= 8:
        h = _with_long(h, _read(data, at, 8))
        at += 8
    if end - at >= 4:
        h = _with_int(h, _read(data, at, 4))
        at += 4
    while at < end:
        h = _rotated(h ^ (U(data[at]) * _P5), 11) * _P1
        at += 1
    return _finished(h)


@compiled
def fold_ints(hashes, begins, values, valid):  # type: ignore[no-untyped-def]
    """Fold values of four bytes into the hash of each row.

    Args:
        hashes: uint64, shape (n,); changed in place.
        begins: int64, shape (n + 1,). values: uint64, of which the lower 32 bits count.
        valid: bool, of the shape of the values.
    """
    for row in range(len(hashes)):
        for i in range(begins[row], begins[row + 1]):
            if valid[i]:
                hashes[row] = _finished(_with_int(hashes[row] + _P5 + U(4), values[i]))


@compiled
def fold_longs(hashes, begins, values, valid):  # type: ignore[no-untyped-def]
    """Fold values of eight bytes into the hash of each row; as ``fold_ints``."""
    for row in range(len(hashes)):
        for i in range(begins[row], begins[row + 1]):
            if valid[i]:
                hashes[row] = _finished(_with_long(hashes[row] + _P5 + U(8), values[i]))


@compiled
def fold_texts(hashes, begins, ends, data, valid):  # type: ignore[no-untyped-def]
    """Fold texts into the hash of each row.

    Args:
        hashes, begins, valid: As in ``fold_ints``.
        ends: int64; text i is data[ends[i]:ends[i + 1]].
        data: uint8, the bytes of all texts.
    """
    for row in range(len(hashes)):
        for i in range(begins[row], begins[row + 1]):
            if valid[i]:
                hashes[row] = _of_bytes(data, ends[i], ends[i + 1], hashes[row])
