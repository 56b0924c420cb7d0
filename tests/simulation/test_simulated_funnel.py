from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from winnow.config.loading import load_config
from winnow.simulation.build_config import write_simulated
from winnow.simulation.clock import DAY_US, epoch_day
from winnow.simulation.schemas import LADDER

from tests.simulation.simulated import FIRST_DAY, Simulated, microseconds, pairs, run

KEY = ("request_id", "user_id", "item_id")


def passed(rows: pa.Table) -> pa.Table:
    return rows.filter(rows["passed"])


class DescribeFunnel:
    def it_has_the_configured_number_of_items_in_each_stage(self, clean: Simulated) -> None:
        for name, size, passing in (("coarse", 40, 20), ("fine", 20, 10)):
            rows = clean.stage(name)
            assert rows.num_rows == 8_000 * size
            per_request = rows.group_by("request_id").aggregate([("passed", "sum")])
            assert set(per_request["passed_sum"].to_pylist()) == {passing}

    def it_hands_on_exactly_what_passed(self, clean: Simulated) -> None:
        coarse, fine = clean.stage("coarse"), clean.stage("fine")
        assert pairs(passed(coarse), *KEY) == pairs(fine, *KEY)
        assert pairs(passed(fine), *KEY) == pairs(clean.log("impressions"), *KEY)

    def it_shows_items_at_the_position_of_their_fine_rank(self, clean: Simulated) -> None:
        ranks = pairs(passed(clean.stage("fine")), *KEY, "rank")
        assert ranks == pairs(clean.log("impressions"), *KEY, "position")

    def it_ranks_by_score_from_one(self, clean: Simulated) -> None:
        for name in ("coarse", "fine"):
            rows = clean.stage(name).sort_by([("request_id", "ascending"), ("rank", "ascending")])
            size = clean.simulation.coarse_size if name == "coarse" else clean.simulation.fine_size
            ranks = rows["rank"].to_numpy().reshape(-1, size)
            scores = rows["score"].to_numpy().reshape(-1, size)
            assert (ranks == np.arange(1, size + 1)).all()
            assert (np.diff(scores, axis=1) <= 0).all()

    def it_scores_by_relevance_the_finer_the_better(self, clean: Simulated) -> None:
        correlations = {}
        for name in ("coarse", "fine"):
            rows = clean.stage(name)
            in_fine = rows if name == "fine" else passed(rows)
            scores, truth = in_fine["score"].to_numpy(), clean.relevance(in_fine)
            correlations[name] = np.corrcoef(scores, truth)[0, 1]
        assert 0.2 < correlations["coarse"] < correlations["fine"]

    def it_repeats_no_item_within_a_request_and_stage(self, clean: Simulated) -> None:
        rows = clean.log("ranking_log")
        assert len(pairs(rows, "request_id", "stage", "item_id")) == rows.num_rows

    def it_logs_recall_only_when_asked_and_without_scores(
        self, clean: Simulated, out: Path
    ) -> None:
        assert clean.stage("recall").num_rows == 0
        asked = run(out, log_recall=True)
        recalled = asked.stage("recall")
        assert recalled["score"].null_count == recalled.num_rows > 500 * 40
        assert pairs(passed(recalled), *KEY) == pairs(asked.stage("coarse"), *KEY)

    def it_writes_a_config_that_knows_recall_where_it_is_logged(self, out: Path) -> None:
        config = load_config(write_simulated(run(out, log_recall=True).simulation))
        assert [stage.name for stage in config.funnel.stages] == ["recall", "coarse", "fine"]

    def it_logs_candidates_with_six_stages_when_asked(self, clean: Simulated, out: Path) -> None:
        assert not (clean.simulation.out / "logs" / "candidates").exists()
        asked = run(out, log_candidates=True, log_recall=True)
        folder = out / "logs" / "candidates" / f"date={FIRST_DAY}"
        rows = pq.read_table(folder, partitioning=None)
        sizes = {stage: pc.sum(rows[f"in_{stage}"]).as_py() / 500 for stage in LADDER[1:]}
        assert sizes == {"prerank": 40, "coarse": 30, "rank": 20, "rerank": 15, "edge": 10}
        assert pairs(rows, *KEY) == pairs(asked.stage("recall"), *KEY)
        for earlier, later in pairwise(LADDER):
            skipped = pc.and_not(rows[f"in_{later}"], rows[f"in_{earlier}"])
            assert not pc.any(skipped).as_py()
        logged = {"retrieval": "recall", "prerank": "coarse", "rank": "fine"}
        for stage, name in logged.items():
            there = rows.filter(rows[f"in_{stage}"])
            assert pairs(there, *KEY, f"{stage}_rank") == pairs(asked.stage(name), *KEY, "rank")
        shown = rows.filter(rows["in_edge"])
        assert pairs(shown, *KEY, "edge_rank") == pairs(asked.log("impressions"), *KEY, "position")

    def it_logs_what_users_reject_when_asked_and_nothing_else_changes(
        self, clean: Simulated, out: Path
    ) -> None:
        assert not (clean.simulation.out / "logs" / "negative_feedback").exists()
        assert "negative_feedback" not in write_simulated(clean.simulation).read_text("utf-8")
        plain, asked = run(out.with_name("plain")), run(out, rejection_share=0.2)
        for log in ("impressions", "clicks", "ranking_log"):
            assert asked.log(log).equals(plain.log(log))
        rows, shown = asked.log("negative_feedback"), asked.log("impressions")
        assert pairs(rows, *KEY) < pairs(shown, *KEY)
        times = dict(
            zip(shown["request_id"].to_pylist(), microseconds(shown["impression_ts"]), strict=True)
        )
        waits = [
            us - times[request]
            for request, us in zip(
                rows["request_id"].to_pylist(), microseconds(rows["feedback_ts"]), strict=True
            )
        ]
        assert 0 < min(waits) <= max(waits) < 60_000_000
        assert set(microseconds(rows["feedback_ts"]) // DAY_US) == {epoch_day(FIRST_DAY)}
        assert set(rows["feedback_type"].to_pylist()) == {"hide", "dislike"}
        # Of 5,000 shown items at most one in five, the less relevant ones more often.
        assert 50 < rows.num_rows < 1_000
        assert asked.relevance(rows).mean() < asked.relevance(shown).mean()
        config = load_config(write_simulated(asked.simulation))
        assert config.negatives.feedback is not None

    def it_logs_a_part_of_the_coarse_stage_with_all_that_passed(self, out: Path) -> None:
        sampled, full = run(out, coarse_rows_logged=25), run(out.with_name("full"))
        rows = sampled.stage("coarse")
        assert rows.num_rows == 500 * 25
        assert passed(rows).num_rows == 500 * 20
        assert pairs(rows, *KEY, "rank") < pairs(full.stage("coarse"), *KEY, "rank")
        cut = rows.filter(pc.invert(rows["passed"]))["rank"].to_numpy()
        assert abs(cut.mean() - 30.5) < 1, "ranks 21 to 40 are equally likely"
        assert sampled.log("clicks").equals(full.log("clicks"))

    def it_recalls_only_items_that_are_valid_at_that_time(self, out: Path) -> None:
        busy = run(out, log_recall=True, turnover_share=0.9, turnover_days=1, mean_life_days=0.5)
        items = busy.whole("logs/items")
        born = microseconds(items["valid_from"])
        gone = microseconds(items["valid_to"].fill_null(pa.scalar(2**62, items["valid_to"].type)))
        rows = busy.log("ranking_log")
        numbers, times = rows["item_id"].to_numpy() - 1, microseconds(rows["stage_ts"])
        # A stage has its time some milliseconds after the request, for which items were chosen.
        assert (born[numbers] <= times).all()
        assert (gone[numbers] > times - 100_000).all()
        seen, start = np.unique(numbers), epoch_day(FIRST_DAY) * DAY_US
        assert (born[seen] > start).sum() > 20, "the test must be able to fail"
        assert (gone[seen] < start + DAY_US).sum() > 20, "the test must be able to fail"

    def it_gives_short_rows_where_too_few_items_are_valid(self, out: Path) -> None:
        small = run(out, items=100, recall_size=100, coarse_size=90, fine_size=80)
        per_request = small.stage("coarse").group_by("request_id").aggregate([("rank", "max")])
        assert 0 < min(per_request["rank_max"].to_pylist()) < 90
        assert np.isfinite(small.log("ranking_log")["score"].to_numpy()).all()

    def it_shows_popular_items_far_more_often(self, clean: Simulated) -> None:
        shown = np.bincount(clean.log("impressions")["item_id"].to_numpy(), minlength=601)
        top = np.sort(shown)[::-1][:6].sum()
        assert top > 8 * 0.01 * shown.sum(), "the top 1 % have many times their share"

    def it_has_active_users_with_several_requests_on_one_date(self, clean: Simulated) -> None:
        requests = pairs(clean.log("impressions", FIRST_DAY), "request_id", "user_id")
        per_user = np.bincount([int(str(user)) for _, user in requests], minlength=301)
        assert np.sort(per_user)[::-1][:30].sum() > 0.2 * len(requests)
        assert np.median(per_user[1:]) >= 2
