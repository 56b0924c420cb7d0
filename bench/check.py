"""Whether all peers did the same work: counts and distributions of what they wrote.

Read by DuckDB, whoever wrote it, and compared with what the logs say.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.work import (
    ALPHA,
    DAY,
    HOT_CLICKS,
    PER_POSITIVE,
    SMOOTHING,
    dates_back,
)

TOP_ITEMS = 100
SIGMAS = 5.0
LEAST_EASY = {False: 0.98, True: 0.9}
"""The part of the asked easy negatives that must be there; less where users saw many items."""


@dataclass(frozen=True)
class Expected:
    """What the logs say that an output must hold.

    Attributes:
        positives: The expected number. deviation: Its standard deviation.
        cold: Positives of items that are never thinned: no chance is left to these.
        hard: Hard negatives per positive, if every kept positive gets what its request has.
        top_share: The share that the most clicked items have among the easy negatives.
        coarse_share: The share of the hard negatives that coarse ranking cut.
    """

    positives: float
    deviation: float
    hard: float
    top_share: float
    coarse_share: float
    cold: int


@dataclass(frozen=True)
class Found:
    """What an output holds.

    Attributes:
        positives: How many. easy, hard: Negatives per positive.
        most: The most negatives of one kind that one positive has.
        repeated: Hard negatives that one positive has twice.
        shown: Negatives that the user was shown.
        strangers: Positives that were not shown and clicked, and negatives of no positive.
        top_share: The share of the most clicked items among the easy negatives.
        coarse_share: The share of the hard negatives that coarse ranking cut.
        cold: Positives of items that are never thinned.
    """

    positives: int
    easy: float
    hard: float
    most: int
    repeated: int
    shown: int
    strangers: int
    top_share: float
    coarse_share: float
    cold: int


class Outputs:
    """The logs and the outputs, as views of one DuckDB."""

    def __init__(self, logs: Path, lookback: int) -> None:
        """Prepare what every output is compared with."""
        import duckdb

        self._db = duckdb.connect()
        self._db.execute("SET preserve_insertion_order = false")
        before = dates_back(1)[1]
        shown = [f"{logs}/impressions/date={day}/*.parquet" for day in dates_back(lookback)]
        self._db.execute(f"""
            CREATE VIEW exposures AS SELECT user_id, item_id FROM read_parquet({shown});
            CREATE TABLE clicked AS SELECT DISTINCT request_id, user_id, item_id
                FROM '{logs}/impressions/date={DAY}/*.parquet'
                SEMI JOIN '{logs}/clicks/date={DAY}/*.parquet' USING (request_id, user_id, item_id);
            CREATE TABLE popularity AS SELECT item_id, count(click.item_id) AS clicks
                FROM '{logs}/items/*.parquet'
                LEFT JOIN '{logs}/clicks/date={before}/*.parquet' AS click USING (item_id)
                GROUP BY item_id;
            CREATE TABLE top AS SELECT item_id FROM popularity
                ORDER BY clicks DESC, item_id LIMIT {TOP_ITEMS};
            CREATE TABLE pools AS
                SELECT request_id, count(*) AS size, avg((stage = 'coarse')::INT) AS coarse
                FROM (SELECT request_id, item_id, max(stage) AS stage
                      FROM (FROM '{logs}/ranking_log/date={DAY}/*.parquet'
                            SEMI JOIN clicked USING (request_id))
                      ANTI JOIN exposures USING (user_id, item_id) GROUP BY ALL)
                GROUP BY request_id;
        """)

    def expected(self) -> Expected:
        """Return what the logs say."""
        keep = f"if(clicks = 0, 1.0, least(1.0, sqrt({HOT_CLICKS} / clicks)))"
        weight = f"pow(clicks + {SMOOTHING}, {ALPHA})"
        row = self._one(f"""
            SELECT sum(keep), sum(keep * (1 - keep)), sum(hard) / sum(keep),
                   sum(hard * coarse) / sum(hard), count_if(keep = 1)
            FROM (SELECT *, {keep} AS keep, keep * least({PER_POSITIVE}, coalesce(size, 0)) AS hard
                  FROM clicked JOIN popularity USING (item_id) LEFT JOIN pools USING (request_id))
            """)
        # A user's draws are by popularity among what that user was not shown.
        top = self._one(f"""
            WITH weights AS (
                SELECT item_id, {weight} AS w, if(item_id IN (FROM top), w, 0) AS w_top
                FROM popularity),
            whole AS (SELECT sum(w) AS w, sum(w_top) AS w_top FROM weights),
            shown AS (SELECT user_id, sum(w) AS w, sum(w_top) AS w_top
                FROM (SELECT DISTINCT user_id, item_id FROM exposures) JOIN weights USING (item_id)
                GROUP BY user_id),
            kept AS (SELECT user_id, sum({keep}) AS keep
                FROM clicked JOIN popularity USING (item_id) GROUP BY user_id)
            SELECT sum(keep * (whole.w_top - shown.w_top) / (whole.w - shown.w)) / sum(keep)
            FROM kept JOIN shown USING (user_id), whole""")
        return Expected(row[0], math.sqrt(row[1]), row[2], top[0], row[3], row[4])

    def found(self, out: Path) -> Found:
        """Return what one output holds; it is a peer's, Winnow's build only or a whole build."""
        self._open(out)
        key, kinds = "request_id, user_id, pos_item_id", ("easy", "hard")

        def count(query: str) -> int:
            return int(self._one(f"SELECT count(*) FROM {query}")[0])

        def most(kind: str) -> int:
            row = self._one(f"SELECT max(n) FROM (SELECT count(*) n FROM {kind} GROUP BY {key})")
            return int(row[0] or 0)

        positives, size = count("positives"), {kind: count(kind) for kind in kinds}
        seen = "SEMI JOIN exposures USING (user_id, item_id)"
        cold = f"(FROM popularity WHERE clicks <= {HOT_CLICKS})"
        mine = "(SELECT request_id, user_id, item_id AS pos_item_id FROM positives)"
        strangers = count("positives ANTI JOIN clicked USING (request_id, user_id, item_id)")
        strangers += sum(count(f"{kind} ANTI JOIN {mine} USING ({key})") for kind in kinds)
        repeated = self._one(f"SELECT count(*) - count(DISTINCT ({key}, item_id)) FROM hard")[0]
        top = self._one("SELECT avg((item_id IN (FROM top))::INT) FROM easy")[0]
        coarse = self._one("SELECT avg((stage = 'coarse')::INT) FROM hard")[0]
        return Found(
            positives=positives,
            easy=size["easy"] / max(positives, 1),
            hard=size["hard"] / max(positives, 1),
            most=max(most(kind) for kind in kinds),
            repeated=repeated,
            shown=sum(count(f"{kind} {seen}") for kind in kinds),
            strangers=strangers,
            top_share=float(top or 0.0),
            coarse_share=float(coarse or 0.0),
            cold=count(f"positives SEMI JOIN {cold} USING (item_id)"),
        )

    def _one(self, query: str) -> Any:
        return self._db.execute(query).fetchone()

    def _open(self, out: Path) -> None:
        """Make the views ``positives``, ``easy`` and ``hard`` of an output."""
        groups, warehouse = out / "staging" / "groups", out / "warehouse"
        pair = "request_id, user_id, item_id AS pos_item_id"
        if groups.is_dir():
            rows = f"'{groups}/**/*.parquet'"
            stage = "if(unnest(hard_stage) = 0, 'coarse', 'fine') AS stage"
            queries = {
                "positives": f"SELECT request_id, user_id, item_id FROM {rows}",
                "easy": f"SELECT {pair}, unnest(easy_item_ids) AS item_id FROM {rows}",
                "hard": f"SELECT {pair}, unnest(hard_item_ids) AS item_id, {stage} FROM {rows}",
            }
        elif warehouse.is_dir():
            from winnow.release.opening import open_release

            release = open_release(warehouse, ds=DAY)
            files = {kind: release.files(table) for kind, table in _TABLES.items()}
            pair += ", neg_item_id AS item_id"
            queries = {
                "positives": f"FROM read_parquet({files['positives']})",
                "easy": f"SELECT {pair} FROM read_parquet({files['easy']})",
                "hard": f"SELECT {pair}, stage FROM read_parquet({files['hard']})",
            }
        else:
            queries = {k: f"FROM '{out}/{table}/*.parquet'" for k, table in _TABLES.items()}
            if (out / "training_samples").is_dir():
                # All tables of a release, in its columns.
                pair += ", neg_item_id AS item_id"
                queries["easy"] = f"SELECT {pair} {queries['easy']}"
                queries["hard"] = f"SELECT {pair}, stage {queries['hard']}"
        for name, query in queries.items():
            self._db.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")


_TABLES = {"positives": "positives", "easy": "easy_negatives", "hard": "hard_negatives"}


def complaints(found: Found, expected: Expected, *, crowded: bool) -> list[str]:
    """Return what an output lacks, a sentence each; nothing where the work is the same.

    Args:
        found, expected: What it holds, and what the logs say.
        crowded: Some users saw so many items that who draws a fixed number falls short.
    """
    wrong = []
    if abs(found.positives - expected.positives) > SIGMAS * expected.deviation + 1:
        wrong.append(f"{found.positives:,} positives, expected {expected.positives:,.0f}")
    if found.cold != expected.cold:
        wrong.append(
            f"{found.cold:,} positives of items with few clicks, exactly {expected.cold:,}"
        )
    least_easy = LEAST_EASY[crowded] * PER_POSITIVE
    if found.easy < least_easy:
        wrong.append(f"{found.easy:.3f} easy negatives per positive, at least {least_easy:.2f}")
    # Which positives were kept is chance, and so is the mean of what their requests have.
    if abs(found.hard - expected.hard) > 0.01 * PER_POSITIVE:
        wrong.append(f"{found.hard:.3f} hard negatives per positive, expected {expected.hard:.3f}")
    if found.most > PER_POSITIVE:
        wrong.append(f"a positive has {found.most} negatives of one kind")
    for what in ("repeated", "shown", "strangers"):
        if n := asdict(found)[what]:
            wrong.append(f"{n:,} rows are {what}")
    for share, of in (("top_share", found.easy), ("coarse_share", found.hard)):
        is_, due = asdict(found)[share], asdict(expected)[share]
        chance = SIGMAS * math.sqrt(due / max(found.positives * of, 1))
        if abs(is_ - due) > 0.02 * due + chance:
            wrong.append(f"{share} is {is_:.4f}, expected {due:.4f}")
    return wrong
