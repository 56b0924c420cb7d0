"""How many rows tables must have, or can have at most: what was sampled, shown and ranked."""

from winnow.audit.evidence import Evidence


def wanted_rows(evidence: Evidence) -> dict[str, int]:
    """Return how many rows tables must have: what was sampled, or what was shown."""
    totals = evidence.totals
    n, easy, hard = totals["positives"], totals["easy"] + totals["fill"], totals["hard"]
    wanted = {
        "positives": n,
        "training_samples": n,
        "easy_negatives": easy,
        "hard_negatives": hard,
        "training_samples_pointwise": n + easy + hard,
    }
    whole = evidence.config.ranking.negative_keep is None
    if whole and "viewed" not in evidence.logs["impressions"].mapped:
        shown = evidence.counts["impressions"]
        wanted["ranking_samples"] = shown.valid - shown.not_chosen
    return wanted


def most_rows(evidence: Evidence, name: str) -> int | None:
    """Return how many rows a table of requests or users can have at most, None of another table."""
    if name in ("request_samples", "user_sequences"):
        return evidence.n_positives
    if name == "evaluation_samples":
        return evidence.counts["clicks"].read
    of = {"ranking_samples": ("impressions",), "cascade_samples": ("impressions", "ranking_log")}
    logs = [evidence.counts[log].valid for log in of.get(name, ()) if log in evidence.counts]
    return sum(logs) if logs else None
