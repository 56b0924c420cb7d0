"""Easy entries as sources of draws: their names, codes and streams, also of several of one name."""

from collections.abc import Sequence

from winnow.config.asked_negatives import Drawn
from winnow.config.entries import EasyEntry
from winnow.config.sources import CODES, EASY_FILL, name_of_code, source_named

_STREAMS = 256
"""Between the hash streams of a source and those of its next one of the name."""


def drawn_sources(
    easy: Sequence[EasyEntry],
    counts: Sequence[int],
    of_fills: EasyEntry | None,
    distributions: Sequence[str],
) -> tuple[Drawn, ...]:
    """Return the sources of draws in their order; the last one is that of fills, if there is one.

    Args:
        easy: The entries. counts: How many negatives of each a positive asks for.
        of_fills: What fills draw as; None where nothing fills.
        distributions: What is drawn from, each once.
    """
    found, seen = [], dict[str, int]()
    for entry, count in zip(easy, counts, strict=True):
        source, place = source_named(entry.source), seen.get(entry.source, 0)
        seen[entry.source] = place + 1
        code, stream = source.code + CODES * place, source.stream + _STREAMS * place
        name = name_of_code(code)
        of = distributions.index(entry.distribution)
        given = entry.not_recalled, entry.distinct
        found.append(Drawn(name, code, stream, count, of, *given))
    if of_fills is not None:
        fill, of = source_named(EASY_FILL), distributions.index(of_fills.distribution)
        given = of_fills.not_recalled, of_fills.distinct
        behind = easy.index(of_fills) if of_fills.distinct else -1
        found.append(Drawn(fill.name, fill.code, fill.stream, 0, of, *given, behind))
    return tuple(found)
