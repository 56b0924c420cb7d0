"""In words: what becomes a positive, what is forbidden, and what makes an item popular."""

from collections.abc import Iterator

from winnow.config.popularity import DAY_BEFORE
from winnow.config.positives import Downsampling, Organic, Positives, Weak
from winnow.config.tree import Config

_COUNTED = {
    "clicks": "valid clicks",
    "impressions": "impressions, clicked or not",
    "users": "distinct users who clicked",
    "actions": "actions, each as much as positives.weights says",
}
_WHICH = {
    "all": "with an impression or not",
    "attributed": "those that belong to an impression",
    "chosen": "those on an impression that positives.where takes",
}
_SHARE_OF = {"sqrt": "√(t / f)", "cap": "t / f", "word2vec_paper": "√(t / f)"}
_SHARE_OF |= {"word2vec_code": "√(t / f) + t / f"}
_JOINS = {
    "impression_id": "the same impression id",
    "request_item": "the same request and item",
    "last_impression": "the same user and item, the latest one before it",
}
_USERS = {
    "auto": "where the click names another user, the impression's user owns the positive, unless "
    "the log shows request ids to several users",
    "agree": "a click that names another user makes no positive",
    "impression": "where the click names another user, the impression's user owns the positive",
}


def words_of_positives(config: Config) -> Iterator[str]:
    """Give the sentences on what becomes a positive, and what it weighs."""
    rule, attribution = config.positives, config.attribution
    yield (
        "A positive is a user, request and item of the date that was shown and then acted on: "
        f"{' < '.join(rule.actions)}, the strongest counts; rows with another action are rejected."
    )
    windows = "".join(f", {action} {text}" for action, text in attribution.windows.items())
    yield (
        f"An action belongs to the impression with {_JOINS[attribution.join]}, at most "
        f"{attribution.window_hours} h after it{windows}; {_USERS[attribution.users]}."
    )
    for column, values in rule.where.items():
        yield (
            f"Only impressions with {column} {_one_of(values)} may become positives; all others "
            "still forbid their items."
        )
    for column, values in rule.where_not.items():
        yield (
            f"Impressions with {column} {_one_of(values)} become no positives; they still forbid "
            "their items."
        )
    if config.popularity.until != DAY_BEFORE:
        yield f"Positives begin at {config.popularity.until}: until then clicks are counted."
    yield _thinning(rule.downsampling, config.popularity.of)
    if rule.per_user_cap is not None:
        yield (
            f"A user keeps {rule.per_user_cap:,} positives of the date at most, chosen by a hash "
            f"among those that thinning left; cap_prob = min(1, {rule.per_user_cap} / how many)."
        )
    if rule.upsampling is not None:
        more = rule.upsampling
        yield (
            f"Positives of items with fewer than {more.threshold_clicks:g} clicks are repeated: "
            f"min({more.most:g}, ({more.threshold_clicks:g} / clicks)^{more.power:g}) rows are "
            "expected of one, each with negatives of its own; no click counts as one."
        )
    yield from _weights(rule)
    if rule.weak is not None:
        yield (
            f"Of what was shown on the date and not clicked {rule.weak.share:.3g} become weak "
            f"positives (label_strength), chosen by a hash: keep_prob = {rule.weak.share:g}, "
            f"sample_weight = {rule.weak.weight:g}; {_unknown_to(rule.weak)}, popularity, and the "
            f"figures of winnow explain, know none of them{_counted_by(rule.weak)}."
        )
    if rule.organic is not None:
        yield (
            f"A {' or '.join(rule.organic.actions)} that fits no impression is no orphan: it makes "
            "an organic positive (label_strength), one for each user and item of the date, which "
            f"{_unknown_to(rule.organic)}, and the figures of winnow explain, do not "
            f"know{_counted_by(rule.organic)}."
        )
    for action in rule.labels:
        name = rule.label_names[action]
        yield f"label_{name} says whether the user did {action}, and label_{name}_delay_ms when."
    for column, how in rule.values.items():
        yield f"{column} is the {'largest' if how == 'max' else 'sum'} of the positive's clicks."


def _unknown_to(rule: Weak | Organic) -> str:
    known = {"thinning": rule.thinned, "cap": rule.capped}
    return ", ".join([*(name for name, asked in known.items() if not asked), "repeats"])


def _counted_by(rule: Weak | Organic) -> str:
    parts = []
    if rule.thinned:
        parts.append("those of hot items are thinned, keep_prob being also of that")
    if rule.capped:
        parts.append("they count among the positives of their user's cap")
    return "".join(f"; {part}" for part in parts)


def words_of_forbidden(config: Config) -> Iterator[str]:
    """Give the sentences on what is never a negative of a user."""
    reach = config.exclusion
    until = f"D+{reach.lookahead_days}" if reach.lookahead_days else "D"
    yield (
        f"Never a negative of a user: what they were shown on {_from(reach.exposure_lookback_days)}"
        f"{until} or clicked on {_from(reach.click_lookback_days)}{until}, D being the date."
    )
    if reach.history is not None:
        yield f"Nor is what the column {reach.history.column} of their impressions lists."
    if config.negatives.feedback is not None:
        yield (
            "But for the source negative_feedback: what they rejected may be one though they were "
            "shown it, unless they clicked it as well."
        )
    if reach.lookahead_days:
        yield f"A build of D waits for the logs of the {reach.lookahead_days} dates after it."


def words_of_popularity(config: Config) -> Iterator[str]:
    """Give the sentences on f, and on which items may be drawn."""
    rule = config.popularity
    until = "" if rule.until == DAY_BEFORE else f" and of D before {rule.until}"
    which = "" if rule.of == "impressions" and rule.clicks == "all" else f", {_WHICH[rule.clicks]}"
    yield (
        f"f, what makes an item popular, counts its {_COUNTED[rule.of]}{which}, of the "
        f"{rule.window_days} dates before D{until}; a shorter history is "
        f"{'a failure' if rule.on_short_history == 'fail' else 'a warning'}."
    )
    if rule.half_life_days is not None:
        yield f"What happened {rule.half_life_days:g} dates before the newest counts half."
    yield f"{rule.smoothing:g} is added to every item's f, so that items without any can be drawn."
    if config.logs.items is not None:
        yield "The catalogue is the items log's items that are valid on D."
    else:
        yield "Without an items log the catalogue is what the logs saw in the window and on D."


def _thinning(rule: Downsampling, of: str) -> str:
    if rule.rule == "none":
        return "No positive is thinned: keep_prob is 1."
    share = _SHARE_OF.get(rule.rule, f"(t / f)^{rule.power:g}")
    if rule.of_shares:
        t = f"f and t being shares of all {of}, t = {rule.threshold_share:g}"
    elif rule.threshold_clicks is not None:
        t = f"t = {rule.threshold_clicks:g}"
    else:
        t = f"t being the {rule.threshold_quantile:g} quantile of f over the items with any"
    return f"Positives of hot items are thinned ({rule.rule}): keep_prob = min(1, {share}), {t}."


def _weights(rule: Positives) -> Iterator[str]:
    named = ", ".join(f"{action} {weight:g}" for action, weight in rule.weights.items())
    text = f"sample_weight is that of the action ({named}; others 1)" if named else ""
    by = rule.weight_by
    if by is not None:
        capped = f", {by.value} being {by.cap:g} at most" if by.cap is not None else ""
        value = f"{by.value} / {by.unit:g}"
        of_value = value if by.rule == "linear" else f"ln(1 + {value})"
        text = (text or "sample_weight is 1") + f" times {of_value}{capped}"
        text += f", or {by.where_missing:g} where no click has one"
    yield f"{text or 'sample_weight is 1 for every action'}."
    chances = ["keep_prob"]
    chances += ["cap_prob"] if rule.per_user_cap is not None else []
    chances += ["repeat_expect"] if rule.upsampling is not None else []
    product = chances[0] if len(chances) == 1 else f"({' · '.join(chances)})"
    yield f"undo_weight = 1 / {product} undoes the sampling of positives in expectation."


def _from(lookback_days: int) -> str:
    return f"D−{lookback_days} to " if lookback_days else ""


def _one_of(values: tuple[object, ...]) -> str:
    return " or ".join(map(str, values))
