"""``winnow show``: a few samples of a release, as a person reads them."""

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    OfDateOption,
    WarehouseOption,
    day_of,
    find_release,
    print_json,
    warehouse_of,
)
from winnow.terminal import plain_console

if TYPE_CHECKING:
    import pyarrow.dataset as pds
    from rich.console import Console

    from winnow.release.release import Release

TABLE = "training_samples"


def show(
    n: Annotated[int, typer.Option("--n", "-n", min=1, max=1_000, help="Samples to show.")] = 3,
    user: Annotated[str | None, typer.Option(help="Only samples of this user.")] = None,
    item: Annotated[str | None, typer.Option(help="Only samples with this positive.")] = None,
    release: Annotated[
        str | None, typer.Option("--release", help="A release id; by default the newest.")
    ] = None,
    ds: OfDateOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show a few samples of a release: each positive with all of its negatives.

    The negatives are shown with the source that each is from, the ranking stage of hard ones, and
    how likely each was. Those shown are the first in the order of shuffle_key, a keyed hash, so
    that the same command shows the same samples again. Needs no engine.
    """
    day = None if ds is None else day_of(ds)
    folder = warehouse_of(warehouse, config)
    from winnow.release.reader import ReleaseReader

    found = find_release(folder, release, day)
    rows = ReleaseReader(folder, [found]).arrow(TABLE)
    total, samples = first_samples(rows, n, user=user, item=item)
    shown_samples = [readable(sample, stage_names(found)) for sample in samples]
    if as_json:
        record = {"release_id": found.release_id, "ds": found.ds.isoformat(), "samples": total}
        print_json(record | {"shown": shown_samples})
        return
    console = plain_console()
    console.print(f"{found.release_id} of {found.ds}: {len(shown_samples)} of {total:,} samples")
    for sample in shown_samples:
        print_sample(sample, console)


def first_samples(
    rows: "pds.Dataset", n: int, *, user: str | None = None, item: str | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Return how many samples there are, and the first of them in the order of shuffle_key.

    Args:
        rows: The table training_samples.
        n: How many to return.
        user: Only those of this user. item: Only those with this positive.

    Raises:
        ConfigError: An id is none of the table's type.
    """
    import pyarrow.compute as pc

    wanted = None
    for option, column, text in (("--user", "user_id", user), ("--item", "item_id", item)):
        if text is not None:
            one = pc.field(column) == _as_id(rows, option, column, text)
            wanted = one if wanted is None else wanted & one
    keys = rows.to_table(columns=["shuffle_key"], filter=wanted)["shuffle_key"].sort()
    if len(keys) == 0:
        return 0, []
    last: pc.Expression = pc.field("shuffle_key") <= keys[min(n, len(keys)) - 1]
    chosen = rows.to_table(filter=last if wanted is None else wanted & last)
    order = [("shuffle_key", "ascending"), ("sample_id", "ascending")]
    return len(keys), chosen.sort_by(order).to_pylist()[:n]


def readable(sample: dict[str, Any], stages: list[str]) -> dict[str, Any]:
    """Return a sample as a person reads it: names for codes, one record per negative.

    Args:
        sample: A row of training_samples.
        stages: The stages that give negatives, in the order of their hardness, from 1.
    """
    from winnow.config.sources import name_of_code

    lists = ("neg_item_ids", "neg_source", "neg_hardness", "neg_log_q", "neg_incl_prob")
    negatives = []
    for found, source, hardness, log_q, incl_prob in zip(
        *(sample[name] for name in lists), strict=True
    ):
        stage = stages[hardness - 1] if 0 < hardness <= len(stages) else None
        negatives.append(
            {
                "item_id": found,
                "source": name_of_code(source),
                "stage": stage,
                "log_q": log_q,
                "incl_prob": incl_prob,
            }
        )
    positive = {name: _plain(value) for name, value in sample.items() if name not in lists}
    return positive | {"negatives": negatives}


def stage_names(release: "Release") -> list[str]:
    """Return the stages that give negatives, in the order of their hardness."""
    config = json.loads(release.config_json)
    if "negatives" not in config:
        # A release from before the sources had entries of their own.
        return [
            one["name"] for one in config.get("hard", {}).get("stages", ()) if one["take"] != "none"
        ]
    asked = {entry.get("stage") for entry in config["negatives"]["hard"]}
    return [stage["name"] for stage in config["funnel"]["stages"] if stage["name"] in asked]


def print_sample(sample: dict[str, Any], console: "Console") -> None:
    """Print one sample: the positive in two lines, then a table of its negatives."""
    from winnow.terminal import plain_table, print_whole

    ids = ", ".join(f"{name} {sample[f'{name}_id']}" for name in ("user", "request", "item"))
    console.print(f"\n{ids}", style="bold")
    times = f"shown {sample['impression_ts']}"
    if sample["click_ts"] is not None:
        times += f", {sample['action_type']} {sample['click_ts']}"
    weights = f"keep_prob {sample['keep_prob']:g}, sample_weight {sample['sample_weight']:g}"
    console.print(f"  {times}, {weights}, split {sample['split']}")
    counts = ", ".join(f"{sample[f'n_{name}']} {name}" for name in ("easy", "hard", "fill"))
    reasons = zip(sample["shortfall_reasons"], sample["shortfall_counts"], strict=True)
    missing = "".join(f"; {reason} {count}" for reason, count in reasons)
    short = f"shortfall {sample['shortfall']}{missing}"
    console.print(f"  {sample['n_requested']} negatives: {counts}, {short}")
    table = plain_table("negative", "source", "stage", "log_q", "incl_prob")
    for one in sample["negatives"]:
        cells = [one["item_id"], one["source"], one["stage"], one["log_q"], one["incl_prob"]]
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    if sample["negatives"]:
        print_whole(table, console)


def _as_id(rows: "pds.Dataset", option: str, column: str, text: str) -> int | str:
    import pyarrow as pa

    if not pa.types.is_integer(rows.schema.field(column).type):
        return text
    try:
        return int(text)
    except ValueError:
        from winnow.errors import ConfigError, Problem

        expected = "a whole number, as ids of this release are"
        raise ConfigError(Problem(option, "there is no such id", text, expected)) from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
