"""In words: what a positive gets as negatives, from which source, and how likely each of them."""

from collections.abc import Iterator
from typing import NamedTuple

from winnow.config.chosen_entries import (
    CutEntry,
    FeedbackEntry,
    LowEntry,
    OtherRequestsEntry,
    StageEntry,
)
from winnow.config.entries import HotEntry, OwnEntry
from winnow.config.entry import DrawnEntry, Entry
from winnow.config.negatives import Fill
from winnow.config.pool_entries import ExposedEntry
from winnow.config.source_words import source_words, what_it_does
from winnow.config.sources import EASY_FILL, source_named
from winnow.config.tree import Config

_KNOWN_BY = {
    "passed": "the log's column passed says so",
    "membership": "they are absent from the next stage's list of the request",
    "last_stage": "it is the last stage that their row names",
}
_SELECTED = {
    "random": "evenly by a hash",
    "top": "the deepest stage and the best ranks first",
    "tail": "the earliest stage and the worst ranks first",
    "score": "in proportion to exp({sign}score / {temperature:g}), none twice",
}
_STANDS_FOR = {
    "ranks": "band",
    "scores": "band",
    "selection": "selected",
    "temperature": "selected",
    "top": "top_percent",
    "days": "window",
    "side": "sided",
}


class SourceInConfig(NamedTuple):
    """One source as a config has it, in words.

    Attributes:
        name: As in the column ``source``. kind: ``easy``, ``hard``, or ``fill``.
        asked: Negatives of a positive; of hard sources that share their candidates those of all;
            None of fills, of which a positive gets as many as are missing.
        together: The hard sources that share ``asked``; empty where the number is its own.
        does: What it gives. formula, probability, shortfall: See ``SourceWords``; empty where
            nothing is known of a source of the user's own.
    """

    name: str
    kind: str
    asked: int | None
    together: tuple[str, ...]
    does: str
    formula: str
    probability: str
    shortfall: str


def sources_in_words(config: Config) -> Iterator[SourceInConfig]:
    """Give every source of a config, as it will draw or choose, in the order of the negatives."""
    negatives, of_fills = config.negatives, config.negatives.of_fills
    easy: list[Entry] = [*negatives.easy, *([of_fills] if of_fills is not None else [])]
    for i, (drawn, entry) in enumerate(zip(negatives.drawn, easy, strict=True)):
        does, promises = _does(entry, config), _promises(entry, config)
        if i < len(negatives.easy):
            yield SourceInConfig(drawn.name, "easy", drawn.asked, (), does, *promises)
            continue
        does, short = f"for every negative that is missing, {does}", source_words()[EASY_FILL]
        yield SourceInConfig(drawn.name, "fill", None, (), does, *promises[:2], short.shortfall)
    for pool in negatives.pools:
        together = [negatives.of_stages[i] for i in pool.entries]
        names = tuple(f"{one.source} {one.stage}" for one in together)
        for entry, name in zip(together, names, strict=True):
            shared = names if len(names) > 1 else ()
            words = (_does(entry, config), *_promises(entry, config))
            yield SourceInConfig(name, "hard", pool.asked, shared, *words)
    if negatives.feedback is not None:
        asked, _, entry = negatives.feedback
        words = (_does(entry, config), *_promises(entry, config))
        yield SourceInConfig(entry.source, "hard", asked, (), *words)
    if negatives.other_requests is not None:
        number, _, others = negatives.other_requests
        words = (_does(others, config), *_promises(others, config))
        yield SourceInConfig(others.source, "hard", number, (), *words)


def words_of_mix(config: Config) -> Iterator[str]:
    """Give the sentences on how many negatives a positive gets, and what is done about gaps."""
    negatives = config.negatives
    yield (
        f"A positive asks for {negatives.per_positive} negatives: {negatives.n_easy} easy, "
        f"{negatives.n_hard} hard (hard ratio {negatives.n_hard / negatives.per_positive:g})."
    )
    if isinstance(negatives.on_shortfall, Fill):
        yield f"What is missing is drawn as {negatives.on_shortfall.fill}, flagged easy_fill."
    else:
        yield "What is missing is left out; shortfall and its reasons say how much."
    if negatives.drawn:
        yield (
            f"A draw of a forbidden item is repeated, {negatives.max_rejections} times at most; "
            "then it comes from the exact rest. "
            + (
                "Of a distinct source no item of a positive is drawn twice, of others it can be."
                if negatives.distinct
                else "The same item can be drawn twice."
            )
        )
        yield (
            f"pos_log_q is ln q of the positive under {negatives.main.source} with alpha "
            f"{negatives.alpha:g}, before anything is forbidden; item_stats has its W and q."
        )
    if negatives.mixture:
        yield (
            f"Draws come from {negatives.chances} distributions: mixture_log_q is how "
            "likely an item is under all draws of its positive together, given F."
        )
    if negatives.not_recalled:
        yield (
            "What the ranking log has of a request is forbidden to draws of what was not recalled; "
            "draws that are expected of an item count the user's own forbidden set alone."
        )
    if config.logs.ranking_log is not None and config.logs.ranking_log.in_part:
        yield "The ranking log is a sample: places in its lists are known only where it says them."


def words_of_seeds(config: Config) -> Iterator[str]:
    """Give the sentences on what decides the random choices."""
    yield (
        f"Every choice is a hash of the row's own keys, of seed {config.seed} and, for negatives, "
        f"of epoch {config.epoch}: the same logs and config give the same rows."
    )
    yield "Another epoch gives fresh negatives to the same positives; another seed, all anew."


def _does(entry: Entry, config: Config) -> str:
    return what_it_does(entry, _values(entry, config), _STANDS_FOR)


def _values(entry: Entry, config: Config) -> dict[str, str]:
    values = {
        "f": "f",
        "smoothing": f"{config.popularity.smoothing:g}",
        "known_by": _KNOWN_BY[config.funnel.cut_known_by],
    }
    if config.funnel.cut_reasons is not None:
        values["known_by"] += f", for {' or '.join(config.funnel.cut_reasons)}"
    if isinstance(entry, HotEntry):
        values["top_percent"] = f"{100 * entry.top:g} %"
    if isinstance(entry, ExposedEntry):
        values["window"] = f"D−{entry.days or config.popularity.window_days} to D−1"
    if isinstance(entry, FeedbackEntry):
        values |= _values_of_feedback(entry)
    if isinstance(entry, OtherRequestsEntry):
        values |= _values_of_others(entry)
    if isinstance(entry, CutEntry | LowEntry):
        values |= {"band": _band(entry), "selected": _selected(entry, config)}
        values["incl_prob"] = "NULL: the place decides, not chance; log_q is NULL"
        if entry.selection == "score":
            values["incl_prob"] = (
                "NULL: the chance of a weighted choice without repetition has no closed form; "
                "log_q is NULL"
            )
        if entry.selection == "random":
            values["incl_prob"] = (
                f"incl_prob = {_logged(config)}chosen / allowed candidates, given the "
                "request's list and F; log_q is NULL"
            )
    return values


def _values_of_feedback(entry: FeedbackEntry) -> dict[str, str]:
    values = {
        "selected": "the latest first" if entry.selection == "recent" else _SELECTED["random"],
        "rejected_prob": "NULL: time decides, not chance; log_q is NULL",
    }
    if entry.selection == "random":
        values["rejected_prob"] = (
            "incl_prob = chosen / allowed items that the user rejected, given what they clicked; "
            "log_q is NULL"
        )
    return values


def _values_of_others(entry: OtherRequestsEntry) -> dict[str, str]:
    nearest, either = entry.selection == "nearest", entry.side == "either"
    values = {
        "sided": "or as long after it" if either else "and none after it",
        "selected": "those of the request shown nearest in time first, of one request evenly"
        if nearest
        else _SELECTED["random"],
        "others_prob": "NULL: time decides, not chance; log_q is NULL",
    }
    if not nearest:
        values["others_prob"] = (
            "incl_prob = chosen / allowed items of the user's other requests, given their lists, "
            "the own request's and F; log_q is NULL"
        )
    return values


def _promises(entry: Entry, config: Config) -> tuple[str, str, str]:
    """Return formula, probability and shortfall of a source."""
    apart = isinstance(entry, DrawnEntry) and entry.not_recalled
    given = "; F here is with what the ranking log has of the request" if apart else ""
    if isinstance(entry, DrawnEntry) and entry.distinct:
        given += "; and given the positive's draws before it: not for a logQ correction"
    unknown = ", or the ranking log has nothing of the request (recall_unknown)" if apart else ""
    if isinstance(entry, OwnEntry):
        log_q = f"log_q = ln(W / (W(group) − W(F))) by the weights of {entry.source}, given F"
        short = "short where its group is empty given F"
        return "q = W / Σ W of the group", log_q + given, short + unknown
    words = source_words()[source_named(entry.source).name]
    log_q = words.probability.format_map(_values(entry, config))
    return words.formula, log_q + given, words.shortfall + unknown


def _logged(config: Config) -> str:
    log = config.logs.ranking_log
    return "" if log is None or log.kept_share == 1.0 else f"{log.kept_share:g} · "


def _selected(entry: StageEntry, config: Config) -> str:
    sign = "" if config.funnel.higher_score_is_better else "−"
    return _SELECTED[entry.selection].format(sign=sign, temperature=entry.temperature or 1.0)


def _band(entry: StageEntry) -> str:
    if entry.ranks is not None:
        return f"ranks {entry.ranks[0]} to {entry.ranks[1]}, 1 being the best"
    if entry.scores is not None:
        return f"scores {entry.scores[0]:g} to {entry.scores[1]:g}"
    low, high = entry.percentiles
    if (low, high) == (0.0, 1.0):
        return "whatever their rank"
    return f"rank percentiles {low:g} to {high:g}, 0 being the best and 1 the worst"
