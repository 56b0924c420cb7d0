"""What a row of a table must hold by itself: the documented rules, written down a second time.

Nothing is taken from the code that places and weighs the rows.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.audit.recompute.click_values import weight_of_value
from winnow.audit.recompute.kept_negatives import below_negative_keep
from winnow.audit.recompute.quotas import logged_share
from winnow.audit.recompute.staged_rows import is_chosen, source_code
from winnow.config.chosen_entries import StageEntry
from winnow.config.tree import Config
from winnow.dates import CalendarDay

_UPPER_53_BITS = 2.0**53


def expected_split(config: Config, day: CalendarDay) -> Column:
    """Return the split: by a hash of the user, so that all rows of one share it, or by the date."""
    parts = config.split
    if parts.by == "date":
        begins = {"test": parts.test_from, "valid": parts.valid_from}
        left = {n: (since - day.date).days for n, since in begins.items() if since is not None}
        now = [n if days <= 0 else "gap" for n, days in left.items() if days <= parts.gap_days]
        return F.lit(now[0] if now else "train")
    ends = {"test": parts.test_ratio, "valid": parts.test_ratio + parts.valid_ratio}
    # Below a share of 0 no user lies: most configs do not split, and need no hash.
    ends = {name: end for name, end in ends.items() if end > 0.0}
    hashed = F.xxhash64(F.lit(config.seed), F.lit("split"), "user_id")
    number = F.shiftright(hashed, 11).bitwiseAND(2**53 - 1)
    split = F.lit("train")
    for name, end in reversed(ends.items()):
        split = F.when(number < F.lit(end * _UPPER_53_BITS), F.lit(name)).otherwise(split)
    return split


def weight_fits(config: Config) -> Column:
    """Return whether sample_weight is the weight of the row's action, times that of its value."""
    weight = F.lit(1.0)
    for action, own in config.positives.weights.items():
        weight = F.when(F.col("action_type") == action, F.lit(float(own))).otherwise(weight)
    wanted = weight
    if config.positives.weight_by is not None:
        wanted = weight * weight_of_value(config)
    if config.positives.weak is not None:
        # An action is what makes a positive a strong one.
        of_weak = F.lit(config.positives.weak.weight)
        wanted = F.when(F.col("action_type").isNull(), of_weak).otherwise(wanted)
    if config.positives.weight_by is None:
        return F.col("sample_weight") == wanted
    return F.abs(F.col("sample_weight") - wanted) <= 1e-9 * F.greatest(wanted, F.lit(1.0))


def tells_what_is_conditional(config: Config, name: str) -> Column:
    """Return whether a row says of just the distinct draws that their log_q is conditional.

    Args:
        config: The sources. name: The column, of a draw or of the list of a positive's negatives.
    """
    distinct = [source.code for source in config.negatives.drawn if source.distinct]
    drawn = [source.code for source in config.negatives.drawn]

    def wanted(code: Column) -> Column:
        return F.when(code.isin(*drawn), code.isin(*distinct))

    if name == "neg_log_q_conditional":
        codes = F.transform(F.col("neg_source"), lambda code: wanted(code.cast("int")))
        return F.coalesce(F.col(name).eqNullSafe(codes), F.lit(False))
    return F.col(name).eqNullSafe(wanted(source_code(config)))


def drawn_by_chance(table: str, config: Config) -> Column:
    """Return whether incl_prob is a probability where chance chose, and NULL elsewhere."""
    chance, is_null = F.col("incl_prob"), F.col("incl_prob").isNull()
    probable = (chance > 0) & (chance <= logged_share(config))
    by_chance = (chance > 0) & (chance <= F.lit(1.0))
    of_users = (config.negatives.feedback, config.negatives.other_requests)
    ways = {entry.selection == "random" for entry in config.negatives.of_stages.values()}
    if ways == {False}:
        probable = is_null
    elif ways == {True, False}:
        probable = _by_stage(config, probable, is_null)
    for asked in of_users:
        if asked is not None:
            rule = by_chance if asked.entry.selection == "random" else is_null
            probable = F.when(F.col("source") == asked.entry.source, rule).otherwise(probable)
    if table == "hard_negatives":
        return probable
    is_hard = F.coalesce(is_chosen(source_code(config), config), F.lit(False))
    return F.when(is_hard, probable).otherwise(is_null)


def _by_stage(config: Config, probable: Column, is_null: Column) -> Column:
    """Return which of both holds for a hard negative's stage; either where its sources differ."""
    giving = [stage for stage in config.ladder if stage.take != "none"]
    rules = []
    for hardness, stage in enumerate(giving, start=1):
        ways = {entry.selection == "random" for entry in stage.hard}
        rule = F.coalesce(probable, F.lit(True))
        if len(ways) == 1:
            rule = probable if ways == {True} else is_null
        rules.append(F.when(F.col("hardness") == hardness, rule))
    return F.coalesce(*rules)


def click_fits() -> Column:
    """Return whether label, click, action and delay of an impression tell the same."""
    clicked, shown = F.unix_micros("click_ts"), F.unix_micros("impression_ts")
    others = (F.col("click_ts"), F.col("action_type"), F.col("click_delay_ms"))
    none = others[0].isNull() & others[1].isNull() & others[2].isNull()
    behind = clicked - shown - F.col("click_delay_ms") * F.lit(1000)
    fits = (behind >= 0) & (behind < 1000) & (clicked >= shown) & others[1].isNotNull()
    return F.when(F.col("label") == 1, fits).otherwise((F.col("label") == 0) & none)


def examined_as_given(config: Config) -> Column:
    """Return whether examination_prob is the given one of the position, and NULL beyond them."""
    given = config.ranking.examination
    places = enumerate(given.probabilities, given.first_position) if given else ()
    wanted = F.coalesce(*(F.when(F.col("position") == at, F.lit(one)) for at, one in places))
    return F.col("examination_prob").eqNullSafe(wanted)


def kept_by_its_hash(config: Config) -> Column:
    """Return whether the row says how likely it stayed, and whether its hash lets it."""
    clicked, said = F.col("label") == 1, F.col("neg_keep_prob")
    keep = F.lit(config.ranking.negative_keep)
    return F.when(clicked, said == 1.0).otherwise((said == keep) & below_negative_keep(config))


def in_its_band(config: Config) -> Column:
    """Return whether rank, size and rank_pct fit together, and into a band of the stage."""
    rank, size, share = F.col("stage_rank"), F.col("stage_size"), F.col("rank_pct")
    wanted = F.when(size > 1, (rank - 1) / (size - 1)).otherwise(F.lit(0.0))
    there = (rank >= 1) & (rank <= size) & (F.abs(share - wanted) <= 1e-9)
    possible = F.coalesce((rank >= 1) | (size >= 1), F.lit(True))
    unknown = rank.isNull() | size.isNull()
    fits = F.when(unknown, share.isNull() & possible).otherwise(there)
    of_entry = F.lit(False)
    feedback = config.negatives.feedback
    if feedback is not None:
        # No stage has a place for it.
        nowhere = rank.isNull() & size.isNull() & F.col("stage").isNull()
        of_entry = (F.col("source") == feedback.entry.source) & nowhere
    for entry in config.negatives.of_stages.values():
        source = F.col("source") == entry.source
        if config.negatives.other_requests is not None:
            # What the same entry could take of another request.
            source = source | (F.col("source") == config.negatives.other_requests.entry.source)
        named = (F.col("stage") == entry.stage) & source
        of_entry = of_entry | (named & _inside(entry))
    return fits & of_entry


def _inside(entry: StageEntry) -> Column:
    """Return whether a row lies in the entry's band; in that of all items, it need not be known."""
    if entry.ranks is not None:
        return F.coalesce(F.col("stage_rank").between(*entry.ranks), F.lit(False))
    if entry.scores is not None:
        return F.coalesce(F.col("stage_score").between(*entry.scores), F.lit(False))
    low, high = entry.percentiles
    inside = F.col("rank_pct").between(low - 1e-9, high + 1e-9)
    return F.coalesce(inside, F.lit(not entry.needs_order))
