"""64-bit keys of text ids, as engines make them: xxHash64 of the UTF-8 bytes, seed 42."""

_MASK = 0xFFFFFFFFFFFFFFFF
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
_SEED = 42


def text_key(text: str) -> int:
    """Return what ``xxhash64(text)`` gives in Spark and Sail, as an unsigned number.

    Source:
        Collet, "xxHash fast digest algorithm", version 0.1.1, XXH64.
    """
    data = text.encode()
    at, n = 0, len(data)
    if n >= 32:
        lanes = [_SEED + _P1 + _P2, _SEED + _P2, _SEED, _SEED - _P1]
        while at + 32 <= n:
            words = (_word(data, at + 8 * lane) for lane in range(4))
            lanes = [_round(lane, word) for lane, word in zip(lanes, words, strict=True)]
            at += 32
        found = sum(_left(x, by) for x, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for lane in lanes:
            found = ((found ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        found = (_SEED + _P5) & _MASK
    found = (found + n) & _MASK
    while at + 8 <= n:
        found = (_left(found ^ _round(0, _word(data, at)), 27) * _P1 + _P4) & _MASK
        at += 8
    if at + 4 <= n:
        half = int.from_bytes(data[at : at + 4], "little")
        found = (_left(found ^ (half * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        at += 4
    for byte in data[at:]:
        found = _left(found ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    for shift, prime in ((33, _P2), (29, _P3)):
        found = (found ^ (found >> shift)) * prime & _MASK
    return found ^ (found >> 32)


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _left(x: int, by: int) -> int:
    x &= _MASK
    return (x << by | x >> (64 - by)) & _MASK


def _round(lane: int, word: int) -> int:
    return _left(lane + word * _P2, 31) * _P1 & _MASK
