"""One export: releases in, a folder of files out, in a format that a trainer reads."""

from collections.abc import Sequence
from pathlib import Path

from winnow.errors import ConfigError, Problem
from winnow.export.folder import export_folder
from winnow.export.numbered import write_numbered
from winnow.export.plain import PLAIN, write_plain
from winnow.export.recbole import write_recbole
from winnow.export.torcheasyrec import write_torcheasyrec
from winnow.release.reader import ReleaseReader
from winnow.release.row_groups import SPLITS

FORMATS = {
    "parquet": "a table of each date, its types as they are",
    "jsonl": "the same as JSON lines",
    "csv": "the same as CSV, lists as JSON in a field",
    "recbole": "RecBole's atomic files, a split each: positives 1, negatives 0",
    "tfrs": "Parquet with dense item numbers and chances, for TensorFlow Recommenders, Merlin",
    "torcheasyrec": "TorchEasyRec: clicks as Parquet, text files for its samplers",
}
"""The formats, and what each is."""


def export(
    release: ReleaseReader,
    kind: str,
    out: Path | str,
    *,
    table: str | None = None,
    columns: Sequence[str] | None = None,
    split: str | None = None,
    name: str = "winnow",
    hard_per_user: int = 50,
) -> dict[str, int]:
    """Write releases in a trainer's format; return the rows of each file, by its name.

    The folder is there when everything is in it, and not before. ``winnow_export.json`` in it names
    the releases, their versions and configs, and the rows of each file.

    Args:
        release: What ``open_release`` or ``open_dates`` returned.
        kind: One of ``FORMATS``.
        out: The folder to make.
        table: Of parquet, jsonl and csv: the table, by default training_samples.
        columns: Of these: the columns, by default all.
        split: Of these: ``train``, ``valid`` or ``test``; by default all rows.
        name: Of recbole: the name of the data set.
        hard_per_user: Of torcheasyrec: at most so many hard edges of a user.

    Raises:
        ConfigError: An argument is wrong, or the folder is there already.
        ReleaseError: A release lacks a table, has expired, or has ids that the format cannot hold.
        OSError: A file cannot be written, as where the disk is full.
    """
    if kind not in FORMATS:
        what, known = "this format is not known", ", ".join(FORMATS)
        raise ConfigError(Problem("format", what, kind, f"one of {known}"))
    plain = {"--table": table, "--columns": columns, "--split": split}
    given = [option for option, value in plain.items() if value is not None]
    if kind not in PLAIN and given:
        what = f"{kind} has tables, columns and splits of its own"
        raise ConfigError(*(Problem(option, what, next_step="Leave it out.") for option in given))
    if split is not None and split not in SPLITS:
        what, fix = "is not known", None
        if split == "gap":
            # Its rows know clicks of the dates before it, or those behind it know its own.
            what = "has rows that are neither for training nor for judging"
            fix = "Leave --split out: all rows are there then, with their split beside them."
        raise ConfigError(Problem("--split", what, split, ", ".join(SPLITS), fix))
    if not name.isidentifier():
        expected = "letters, digits and _"
        raise ConfigError(Problem("--name", "is no name of files", name, expected))
    chosen = table or "training_samples"
    said = {"format": kind, "table": chosen} if kind in PLAIN else {"format": kind}
    with export_folder(Path(out), release, said) as folder:
        for plain_kind in PLAIN:
            if kind == plain_kind:
                write_plain(folder, release, plain_kind, chosen, columns, split)
        if kind == "recbole":
            write_recbole(folder, release, name)
        elif kind == "tfrs":
            write_numbered(folder, release)
        elif kind == "torcheasyrec":
            write_torcheasyrec(folder, release, hard_per_user)
    return folder.rows
