"""cascade_samples beside the logs: every item of a request, and how far it came."""

from collections.abc import Iterator

from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Measurement, none_of
from winnow.audit.recompute.cascade import differs, one_in_of_cascade, wanted_rows_of_cascade
from winnow.audit.recompute.request_sample import of_some_requests, requests_note
from winnow.audit.recompute.staged_rows import KEY

CASCADE_ROWS_DIFFER = none_of(
    "cascade_rows_differ",
    TABLES,
    "items of requests that cascade_samples has and the logs do not, or the other way round",
)
CASCADE_VALUES_DIFFER = none_of(
    "cascade_values_differ",
    TABLES,
    "rows of cascade_samples whose rung, label, time, scores or ranks are not those of the logs",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the table, where it is written."""
    if "cascade_samples" in evidence.staged:
        yield Measurement(
            [CASCADE_ROWS_DIFFER.promised(), CASCADE_VALUES_DIFFER.promised()],
            lambda: cascade_figures(evidence),
        )


def cascade_figures(evidence: Evidence) -> list[Figure]:
    """Make the rows of some requests again, and compare them with what was staged."""
    one_in = one_in_of_cascade(evidence)
    staged = of_some_requests(evidence.staged["cascade_samples"], one_in)
    stated = staged.withColumn("staged", F.lit(True))
    wanted = wanted_rows_of_cascade(evidence, one_in).withColumn("wanted", F.lit(True))
    both = stated.join(wanted, list(KEY), how="full")
    there = F.col("staged").isNotNull() & F.col("wanted").isNotNull()
    n_stages = len(evidence.config.funnel.stages)
    row = both.agg(
        F.count_if(~there).alias("alone"),
        F.count_if(there & differs(n_stages)).alias("other"),
    ).collect()[0]
    note = requests_note(one_in)
    return [
        CASCADE_ROWS_DIFFER.figure(row["alone"], detail=note),
        CASCADE_VALUES_DIFFER.figure(row["other"], detail=note),
    ]
