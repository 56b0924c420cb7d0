"""Whether the sources of negatives fit the funnel and the logs that they come from."""

from collections.abc import Iterator, Mapping

from winnow.config.funnel import Funnel
from winnow.config.logs import LogConfig
from winnow.config.model import Fault, fault, nearest
from winnow.config.negatives import Negatives
from winnow.config.pool_entries import SegmentEntry


def negatives_faults(
    negatives: Negatives | None, funnel: Funnel | None, logs: Mapping[str, LogConfig | None]
) -> Iterator[Fault]:
    """Give every rule between them that is broken.

    Args:
        negatives, funnel: None where something is wrong with them alone.
        logs: The logs by name, without those that are wrong themselves.
    """
    yield from _attributes(negatives, logs)
    for name, log in logs.items():
        if log is not None and log.log_sample_rate is not None and name != "ranking_log":
            what = "a sample rate of the rows of a request is one of the ranking log"
            yield fault(("logs", name, "log_sample_rate"), what, next_step="Take it out.")
    if "negative_feedback" in logs and negatives is not None:
        yield from _feedback(negatives, logs["negative_feedback"])
    if "ranking_log" in logs:
        yield from _not_recalled(negatives, logs["ranking_log"])
        yield from _hard(negatives, funnel, logs["ranking_log"])
        yield from _other_requests(negatives, logs["ranking_log"])


def _not_recalled(negatives: Negatives | None, ranking_log: LogConfig | None) -> Iterator[Fault]:
    for index, entry in enumerate(negatives.easy if negatives is not None else ()):
        key = ("negatives", "easy", index, "not_recalled")
        if not entry.not_recalled:
            continue
        if ranking_log is None:
            what = "what was recalled is told by the ranking log, and logs has no ranking_log"
            yield fault(key, what, next_step="Describe logs.ranking_log, or take it out.")
        elif ranking_log.in_part:
            because = "sampled is true" if ranking_log.sampled else "log_sample_rate is below 1"
            what = (
                "an item without a row is not recalled only where the log has every row of a "
                f"request, but logs.ranking_log.{because}"
            )
            yield fault(key, what, found="true", expected="false")


def _feedback(negatives: Negatives, log: LogConfig | None) -> Iterator[Fault]:
    feedback = negatives.feedback
    if feedback is not None and log is None:
        yield fault(
            ("negatives", "hard", feedback.place),
            "what users rejected comes from a log, and logs has no negative_feedback",
            found=f"{feedback.asked} of {negatives.per_positive}",
            next_step="Describe logs.negative_feedback, or take the source out.",
        )


def _other_requests(negatives: Negatives | None, log: LogConfig | None) -> Iterator[Fault]:
    others = None if negatives is None else negatives.other_requests
    if others is not None and log is not None and log.in_part:
        because = "sampled is true" if log.sampled else "log_sample_rate is below 1"
        what = (
            "how likely an item of several requests is logged at all has no one number, but "
            f"logs.ranking_log.{because}"
        )
        fix = "Take the source out, or give the log that has every row."
        yield fault(("negatives", "hard", others.place), what, next_step=fix)


def _hard(
    negatives: Negatives | None, funnel: Funnel | None, ranking_log: LogConfig | None
) -> Iterator[Fault]:
    wanted = negatives is not None and negatives.n_of_stages > 0
    if negatives is not None and wanted and ranking_log is None:
        default = "" if "hard" in negatives.model_fields_set else " (the default)"
        yield fault(
            ("negatives", "hard"),
            "hard negatives come from the ranking log, and logs has no ranking_log",
            found=f"{negatives.n_of_stages} of {negatives.per_positive}{default}",
            expected="[]" if negatives.feedback is None else None,
            next_step="Set negatives: {hard: []}, or describe logs.ranking_log."
            if negatives.feedback is None
            else "Leave only negative_feedback under hard, or describe logs.ranking_log.",
        )
    if negatives is not None and funnel is not None and ranking_log is not None and wanted:
        yield from _stages(negatives, funnel)
    if funnel is None or ranking_log is None:
        return
    if ranking_log.in_part and funnel.cut_known_by == "membership":
        because = "sampled is true" if ranking_log.sampled else "log_sample_rate is below 1"
        yield fault(
            ("funnel", "cut_known_by"),
            f"membership needs every row of a request, but logs.ranking_log.{because}",
            found="membership",
            expected="passed or last_stage",
        )


def _attributes(
    negatives: Negatives | None, logs: Mapping[str, LogConfig | None]
) -> Iterator[Fault]:
    items, users = logs.get("items"), logs.get("users")
    carried = items.carry if items is not None else ()
    of_users = users.carry if users is not None else ()
    for index, entry in enumerate(negatives.easy if negatives is not None else ()):
        if isinstance(entry, SegmentEntry) and entry.attribute not in of_users:
            yield fault(
                ("negatives", "easy", index, "attribute"),
                "logs.users carries no such column",
                entry.attribute,
                f"one of {', '.join(of_users)}" if of_users else None,
                nearest(entry.attribute, of_users) or "Name it under logs.users.carry.",
            )
        for place, name in enumerate(getattr(entry, "attributes", ())):
            if name not in carried:
                yield fault(
                    ("negatives", "easy", index, "attributes", place),
                    "logs.items carries no such column",
                    name,
                    f"one of {', '.join(carried)}" if carried else None,
                    nearest(name, carried) or "Name it under logs.items.carry.",
                )


def _stages(negatives: Negatives, funnel: Funnel) -> Iterator[Fault]:
    names = [stage.name for stage in funnel.stages]
    last_only = funnel.cut_known_by == "last_stage"
    taking = negatives.of_stages
    for index, entry in taking.items():
        key = ("negatives", "hard", index)
        of_stage = {i: one for i, one in taking.items() if one.stage == entry.stage}
        first = next(iter(of_stage.values()))
        if entry.stage not in names:
            what, expected = "funnel.stages has no such stage", f"one of {', '.join(names)}"
            hint = nearest(entry.stage, names)
            yield fault((*key, "stage"), what, entry.stage, expected, hint)
        elif first.source != entry.source:
            what = f"{entry.stage} gives cut items or low ones, not both"
            yield fault((*key, "source"), what, entry.source, first.source)
        elif entry.has_margin and last_only and entry.stage != names[-1]:
            what = (
                f"a margin needs the positive's score at {entry.stage}, and a log of last stages "
                "has a row of it only where it came to"
            )
            fix = f"Take it of {names[-1]}, or take the margin out."
            yield fault((*key, entry.margin_key), what, next_step=fix)
        elif any(one.takes_all for i, one in of_stage.items() if i < index):
            what = f"an entry before takes all items of {entry.stage}, so none is left for this one"
            yield fault(key, what, next_step="Put it first, or give the other one a band.")
        elif (entry.source, entry.stage) == ("cut", names[-1]):
            if funnel.cut_known_by != "membership":
                continue
            what = f"{entry.stage} is the last one, so no next stage tells what it cut"
            fix = "Set funnel.cut_known_by, or add the stage that follows."
            yield fault((*key, "stage"), what, next_step=fix)
