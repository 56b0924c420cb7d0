"""One user with half of all rows, and one item in half of all requests: memory does not grow."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from winnow.release.opening import open_release

from tests.child_process import PATH, child_environment
from tests.events.handmade import DAY, at, config
from tests.operations.few_dates import NO_GATES

REQUESTS, SHOWN, USERS, ITEMS = 20_000, 10, 4_000, 3_000
ONE = 1_000_000
"""The user, whose rows are half of all."""
pytestmark = [pytest.mark.sail_only, pytest.mark.proof]


def write_logs(base: Path, *, skewed: bool) -> Path:
    """Logs of one date in which every second request is clicked; return the config's file."""
    draw = np.random.default_rng(7)
    request = np.repeat(np.arange(REQUESTS), SHOWN)
    user = np.repeat(draw.integers(1, USERS, REQUESTS), SHOWN)
    first = np.repeat(draw.integers(0, ITEMS, REQUESTS), SHOWN)
    # Ten different items of each request.
    item = (first + 7 * np.tile(np.arange(SHOWN), REQUESTS)) % (ITEMS - 1) + 1
    if skewed:
        user[request % 2 == 0] = ONE
        item[:: 2 * SHOWN] = 0
    begin = int(at("01:00").timestamp() * 1_000_000)
    when = pa.array(begin + request * 3_000_000).cast(pa.timestamp("us", "UTC"))
    ids = {"request_id": request, "user_id": user, "item_id": item}
    names = [f"{a}/{b}" for a, b in zip(request.tolist(), item.tolist(), strict=True)]
    shown = pa.table({"impression_id": names, **ids, "impression_ts": when})
    shown = shown.append_column("position", pa.array(np.tile(np.arange(SHOWN), REQUESTS), "int32"))
    clicked = shown.filter(pa.array((request % 2 == 0) & (np.arange(len(request)) % SHOWN == 0)))
    clicks = clicked.drop_columns(["position", "impression_ts"])
    clicks = clicks.append_column("click_ts", clicked["impression_ts"])
    clicks = clicks.append_column("action_type", pa.array(["click"] * len(clicks)))
    for days in (-1, 0, 1):
        for log, rows in (("impressions", shown), ("clicks", clicks)):
            path = base / log / f"date={DAY + timedelta(days)}" / "part.parquet"
            path.parent.mkdir(parents=True)
            pq.write_table(rows if days == 0 else rows.slice(0, 0), path)
    gates = {name: {"fail": None} for name in NO_GATES}
    settings = config(
        base,
        logs=("impressions", "clicks"),
        gates=gates,
        negatives={"hard": []},
        tables=("positives", "training_samples"),
    )
    tree = settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
    (base / "winnow.yaml").write_text(json.dumps(tree), encoding="utf-8")
    return base / "winnow.yaml"


def peak_of_build(settings: Path) -> float:
    """Build in a process of its own; return its peak of memory in GB."""
    words = [sys.executable, "-m", "winnow.cli.main", "build", "-c", str(settings), "--json"]
    child = subprocess.Popen(
        [*words, "--ds", str(DAY), "--allow-empty"],
        env=child_environment() | {"PYTHONPATH": PATH},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, said
    return used.ru_maxrss / 1e6


class DescribeASkewedLog:
    @pytest.mark.fault(16)
    def it_is_built_in_the_memory_of_an_even_one(self, tmp_path: Path) -> None:
        peaks = {}
        for name, skewed in (("even", False), ("skewed", True)):
            (tmp_path / name).mkdir()
            peaks[name] = peak_of_build(write_logs(tmp_path / name, skewed=skewed))
        rows = open_release(tmp_path / "skewed" / "warehouse").arrow("training_samples").to_table()
        of_one = rows.filter(pa.array(rows["user_id"].to_numpy() == ONE))
        assert len(of_one) > 0.9 * len(rows) > 1_000, "nearly all that is clicked is of one user"
        # Nothing that the user was shown, of all requests of the date, is a negative.
        log = pq.read_table(tmp_path / "skewed" / "impressions" / f"date={DAY}" / "part.parquet")
        shown = log.filter(pa.array(log["user_id"].to_numpy() == ONE))["item_id"].to_pylist()
        drawn = of_one["neg_item_ids"].combine_chunks().flatten().to_pylist()
        assert not set(shown) & set(drawn)
        assert peaks["skewed"] < 1.5 * peaks["even"], peaks
        assert peaks["skewed"] < 2, "as on a machine with little memory"
