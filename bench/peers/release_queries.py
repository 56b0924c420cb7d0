"""The SQL of all tables of a release, and of what must not be in them, for ``duckdb_whole``."""

from bench.work import HOT_CLICKS, PER_POSITIVE, SPARE_DRAWS

SHARDS = 16
OWN = "ds, sample_id, user_id, request_id, p.item_id AS item_id"
PLACED = "split, shard, shuffle_key"

POSITIVES = f"""
CREATE TEMP TABLE positives AS
WITH clicked AS (
    SELECT request_id, user_id, item_id, min(i.ts) AS impression_s, min(c.ts) AS click_s,
           min(i.position) AS position
    FROM impressions i JOIN clicks c USING (request_id, user_id, item_id)
    WHERE c.ts BETWEEN i.ts AND i.ts + 86400 GROUP BY ALL),
weighed AS (
    SELECT *, least(1.0, sqrt({HOT_CLICKS} / greatest(clicks, 1))) AS keep_prob,
           hash(request_id, user_id, item_id) AS number
    FROM clicked JOIN popularity USING (item_id) JOIN weights USING (item_id))
SELECT row_number() OVER () AS positive, DATE '{{day}}' AS ds,
       hash(user_id, request_id, item_id) AS sample_id, user_id, request_id, item_id,
       to_timestamp(impression_s) AS impression_ts, to_timestamp(click_s) AS click_ts,
       'click' AS action_type, 'strong' AS label_strength, position, clicks AS item_clicks,
       keep_prob, 1 / keep_prob AS undo_weight, 1.0 AS sample_weight,
       round(ln(weight) - ln({{total}}), 9) AS pos_log_q, true AS mature, 'train' AS split,
       (hash(number, 2) % {SHARDS})::INT AS shard, hash(number, 1) AS shuffle_key
FROM weighed WHERE number / 18446744073709551616.0 < keep_prob
"""

EXPOSED = """
CREATE TEMP TABLE exposures AS
SELECT DISTINCT user_id, item_id FROM shown SEMI JOIN positives USING (user_id);
CREATE TEMP TABLE allowed AS
SELECT user_id, {total} - sum(weight) AS allowed
FROM exposures JOIN weights USING (item_id) GROUP BY user_id
"""

EASY = f"""
CREATE TEMP TABLE easy AS
WITH points AS (
    SELECT positive, user_id, range AS draw,
           hash(sample_id, range, 7) / 18446744073709551616.0 * (SELECT count(*) FROM slots)
               AS point
    FROM positives, range({PER_POSITIVE + SPARE_DRAWS})),
draws AS (
    SELECT positive, user_id, draw, if(point - slot < own, first_id, second_id) AS item_id
    FROM (SELECT *, floor(point)::INTEGER AS slot FROM points) JOIN slots USING (slot)),
chosen AS (
    SELECT positive, list(item_id ORDER BY draw)[:{PER_POSITIVE}] AS item_ids
    FROM draws ANTI JOIN exposures USING (user_id, item_id) GROUP BY positive),
long AS (
    SELECT positive, unnest(item_ids) AS neg_item_id,
           generate_subscripts(item_ids, 1) - 1 AS draw_no
    FROM chosen)
SELECT positive, neg_item_id, draw_no, weight / {{total}} AS q,
       round(ln(weight) - ln(allowed), 9) AS log_q
FROM long JOIN positives USING (positive) JOIN allowed USING (user_id)
JOIN weights ON weights.item_id = neg_item_id
"""

HARD = f"""
CREATE TEMP TABLE hard AS
WITH rows_of AS (
    SELECT request_id, user_id, item_id, stage, max(score) AS score
    FROM ranking_log SEMI JOIN positives USING (request_id) GROUP BY ALL),
ranked AS (
    SELECT request_id, user_id, item_id, stage, score, row_number() OVER best AS rank,
           count(*) OVER (PARTITION BY request_id, stage) AS size
    FROM rows_of
    WINDOW best AS (PARTITION BY request_id, stage ORDER BY score DESC, item_id)),
last_stage AS (SELECT request_id, item_id, max(stage) AS stage FROM rows_of GROUP BY ALL),
candidates AS (
    SELECT *, count(*) OVER (PARTITION BY request_id) AS pool
    FROM ranked SEMI JOIN last_stage USING (request_id, item_id, stage)
    ANTI JOIN exposures USING (user_id, item_id)),
chosen AS (
    SELECT positive, any_value(pool) AS pool,
           min_by((c.item_id, stage, score, rank, size), hash(sample_id, c.item_id),
                  {PER_POSITIVE}) AS items
    FROM positives JOIN candidates c USING (request_id) GROUP BY positive),
long AS (SELECT positive, len(items) / pool AS incl_prob, unnest(items) AS item FROM chosen)
SELECT positive, item[1] AS neg_item_id, item[2] AS stage, item[4] AS stage_rank,
       item[5] AS stage_size, item[3] AS stage_score,
       (item[4] - 1) / greatest(item[5] - 1, 1) AS rank_pct,
       if(item[2] = 'coarse', 1, 2)::TINYINT AS hardness, incl_prob
FROM long
"""

TABLES = {
    "positives": "SELECT * EXCLUDE positive FROM positives ORDER BY shuffle_key",
    "easy_negatives": f"""
        SELECT {OWN}, neg_item_id, 'popularity' AS source, draw_no, q, log_q, 1 AS attempts,
               {PLACED}
        FROM easy JOIN positives p USING (positive) ORDER BY shuffle_key""",
    "hard_negatives": f"""
        SELECT {OWN}, neg_item_id, 'cut' AS source, stage, stage_rank, stage_size, stage_score,
               rank_pct, hardness, incl_prob, {PLACED}
        FROM hard JOIN positives p USING (positive) ORDER BY shuffle_key""",
    "training_samples": f"""
        WITH e AS (SELECT positive, list(neg_item_id ORDER BY draw_no) AS ids,
                          list(log_q ORDER BY draw_no) AS log_qs FROM easy GROUP BY positive),
        h AS (SELECT positive, list(neg_item_id ORDER BY neg_item_id) AS ids,
                     list(hardness ORDER BY neg_item_id) AS levels,
                     list(incl_prob ORDER BY neg_item_id) AS probs FROM hard GROUP BY positive),
        both_kinds AS (
            SELECT p.*, coalesce(e.ids, []) AS easy, coalesce(e.log_qs, []) AS log_qs,
                   coalesce(h.ids, []) AS hard, coalesce(h.levels, []) AS levels,
                   coalesce(h.probs, []) AS probs
            FROM positives p LEFT JOIN e USING (positive) LEFT JOIN h USING (positive))
        SELECT * EXCLUDE (positive, item_clicks, easy, log_qs, hard, levels, probs),
               list_concat(easy, hard) AS neg_item_ids,
               list_concat(list_transform(easy, lambda x: 0),
                           list_transform(hard, lambda x: 2)) AS neg_source,
               list_concat(list_transform(easy, lambda x: 0), levels) AS neg_hardness,
               list_concat(log_qs, list_transform(hard, lambda x: NULL)) AS neg_log_q,
               list_concat(list_transform(easy, lambda x: NULL), probs) AS neg_incl_prob,
               {2 * PER_POSITIVE} AS n_requested, len(easy) AS n_easy, len(hard) AS n_hard,
               0 AS n_fill, {2 * PER_POSITIVE} - len(easy) - len(hard) AS shortfall
        FROM both_kinds ORDER BY shuffle_key""",
    "ranking_samples": f"""
        WITH first_click AS (
            SELECT request_id, user_id, item_id, min(ts) AS click_s FROM clicks GROUP BY ALL)
        SELECT DATE '{{day}}' AS ds, concat_ws('-', request_id, user_id, i.item_id)
                   AS impression_id, user_id, request_id, item_id, i.position,
               to_timestamp(i.ts) AS impression_ts, (click_s IS NOT NULL)::INT AS label,
               to_timestamp(click_s) AS click_ts,
               if(click_s IS NULL, NULL, 'click') AS action_type,
               (click_s - i.ts) * 1000 AS click_delay_ms, true AS mature, 'train' AS split,
               (hash(request_id, user_id, item_id, 2) % {SHARDS})::INT AS shard,
               hash(request_id, user_id, item_id, 1) AS shuffle_key
        FROM impressions i LEFT JOIN first_click USING (request_id, user_id, item_id)
        ORDER BY shuffle_key""",
    "item_stats": """
        WITH shown AS (SELECT item_id, count(*) AS n FROM impressions GROUP BY item_id),
        kept AS (SELECT item_id, count(*) AS n FROM positives GROUP BY item_id)
        SELECT DATE '{day}' AS ds, item_id, 2 + row_number() OVER (ORDER BY clicks DESC, item_id)
                   AS item_idx, clicks, coalesce(shown.n, 0) AS impressions, weight,
               weight / {total} AS q, coalesce(kept.n, 0) AS positives,
               coalesce(kept.n, 0) / (SELECT count(*) FROM positives) AS in_batch_q
        FROM popularity JOIN weights USING (item_id) LEFT JOIN shown USING (item_id)
        LEFT JOIN kept USING (item_id)""",
    "rejected": "FROM rejected",
}

CHECKS = {
    "an easy negative was shown to its user": """
        FROM '{out}/easy_negatives/*.parquet' n
        SEMI JOIN shown s ON n.user_id = s.user_id AND n.neg_item_id = s.item_id""",
    "a hard negative was shown to its user": """
        FROM '{out}/hard_negatives/*.parquet' n
        SEMI JOIN shown s ON n.user_id = s.user_id AND n.neg_item_id = s.item_id""",
    "a hard negative was not ranked in its request": """
        FROM '{out}/hard_negatives/*.parquet' n
        ANTI JOIN ranking_log r ON n.request_id = r.request_id AND n.neg_item_id = r.item_id""",
    "a log_q is no probability": """
        FROM '{out}/easy_negatives/*.parquet' WHERE NOT isfinite(log_q) OR log_q > 0""",
    "a positive is there twice": """
        FROM (SELECT 1 FROM '{out}/training_samples/*.parquet'
              GROUP BY user_id, request_id, item_id HAVING count(*) > 1)""",
    "a positive does not add up": """
        FROM '{out}/training_samples/*.parquet'
        WHERE n_requested <> n_easy + n_hard + n_fill + shortfall
           OR len(neg_item_ids) <> n_easy + n_hard""",
    "a label has no impression": """
        FROM '{out}/ranking_samples/*.parquet' ANTI JOIN impressions
        USING (request_id, user_id, item_id)""",
}
"""What must not be there; each gives the rows that are wrong."""
