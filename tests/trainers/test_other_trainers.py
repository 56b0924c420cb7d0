"""Exports in the trainers themselves: RecBole and TensorFlow Recommenders read them, and learn.

Neither goes into one environment with what Winnow builds with, so each runs in one of its own.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from winnow.export.export import export
from winnow.release.reader import ReleaseReader

from tests.docs.pages import ROOT, blocks_of
from tests.export.handmade import ONE, releases_of, sample, stats
from tests.trainers.other_environments import other_python, run

ITEMS = range(100, 160)

RECBOLE = """
import json
import sys

from recbole.config import Config
from recbole.data import create_dataset
from recbole.quick_start import run_recbole

settings = {
    "data_path": "for_recbole",
    "benchmark_filename": ["train", "valid", "test"],
    "LABEL_FIELD": "label",
    "train_neg_sample_args": None,
    "load_col": {"inter": ["user_id", "item_id", "label", "timestamp"]},
    "eval_args": {"split": None, "group_by": None, "order": "RO", "mode": "labeled"},
    "metrics": ["AUC"],
    "valid_metric": "AUC",
    "epochs": 1,
    "embedding_size": 4,
    "mlp_hidden_size": [4],
    "use_gpu": False,
    "show_progress": False,
}
dataset = create_dataset(Config(model="DeepFM", dataset="shop", config_dict=settings))
rows = dataset.inter_feat
read = sorted(zip(
    dataset.id2token("user_id", rows["user_id"].to_numpy()).tolist(),
    dataset.id2token("item_id", rows["item_id"].to_numpy()).tolist(),
    rows["label"].tolist(),
))
found = run_recbole(model="DeepFM", dataset="shop", config_dict=settings, saved=False)
print(json.dumps({"read": read, "auc": found["best_valid_result"]["auc"]}))
"""

TASK = """
import sys

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

given = np.load("batch.npz")
loss = tfrs.tasks.Retrieval(remove_accidental_hits=True)(
    tf.constant(given["users"]),
    tf.constant(given["items"]),
    candidate_ids=tf.constant(given["item_idx"]),
    candidate_sampling_probability=tf.constant(given["probability"]),
    compute_metrics=False,
)
print(float(loss))
"""


@pytest.fixture
def release(tmp_path: Path) -> ReleaseReader:
    """A date of three splits: users click items of their own parity, and were not shown others."""
    rows = []
    for user in range(40):
        for visit in range(6):
            item = ITEMS[user * visit % 30 * 2 + user % 2]
            others = [(ITEMS[(item + step * 3 + 1) % 60], step % 2) for step in range(4)]
            split = ("train", "train", "train", "train", "valid", "test")[visit]
            rows.append(sample(user, item, others, split))
    items = [stats(item, sum(row["item_id"] == item for row in rows), clicks=1) for item in ITEMS]
    return releases_of(
        tmp_path, {"training_samples": {ONE: rows}, "item_stats": {ONE: items}}, pa.int64()
    )


class DescribeRecBole:
    def it_reads_the_atomic_files_and_trains_on_them(
        self, release: ReleaseReader, tmp_path: Path
    ) -> None:
        python = other_python("RECBOLE")
        export(release, "recbole", tmp_path / "for_recbole", name="shop")
        found: dict[str, Any] = json.loads(run(python, tmp_path, RECBOLE))
        expected = []
        for row in release.table_files("training_samples").dataset().to_table().to_pylist():
            user = str(row["user_id"])
            expected.append([user, str(row["item_id"]), 1.0])
            expected += [[user, str(item), 0.0] for item in row["neg_item_ids"]]
        assert len(expected) == 1_200
        assert found["read"] == sorted(expected)
        assert 0.0 <= found["auc"] <= 1.0


class DescribeTensorFlowRecommenders:
    def it_takes_our_chances_for_its_correction(
        self, release: ReleaseReader, tmp_path: Path
    ) -> None:
        python = other_python("TENSORFLOW")
        export(release, "tfrs", tmp_path / "for_tfrs")
        rows = pq.read_table(tmp_path / "for_tfrs" / "train" / "samples.parquet").slice(0, 64)
        idx = rows["item_idx"].to_numpy()
        chance = np.random.default_rng(5)
        users, items = (chance.normal(size=(64, 3)).astype(np.float32) for _ in range(2))
        np.savez(
            tmp_path / "batch.npz", users=users, items=items, item_idx=idx,
            probability=rows["in_batch_prob_tfrs"].to_numpy(),
        )  # fmt: skip
        told = float(run(python, tmp_path, TASK))
        # By the exact shares, in full: the same item elsewhere in the batch is no negative.
        q = pq.read_table(tmp_path / "for_tfrs" / "items.parquet")["in_batch_q"].to_numpy()[idx]
        logits = (users @ items.T).astype(float) - np.log(q)
        logits[(idx[:, None] == idx) & ~np.eye(64, dtype=bool)] = -np.inf
        expected = (np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)).sum()
        assert len({*idx.tolist()}) < 64, "the test must be able to fail"
        assert len({*q.tolist()}) > 1
        assert told == pytest.approx(expected, rel=1e-5)

    def it_learns_as_the_page_has_it(self, release: ReleaseReader, tmp_path: Path) -> None:
        python = other_python("TENSORFLOW")
        export(release, "tfrs", tmp_path / "for_tfrs")
        (block,) = [
            block.text
            for block in blocks_of(ROOT / "docs" / "exports.md")
            if block.text.startswith("import tensorflow")
        ]
        assert run(python, tmp_path, block) == "True"
