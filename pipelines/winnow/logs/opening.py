"""What a log's files are, before any engine reads: columns, rows, bytes, groups read together."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from winnow.config.logs import LogConfig
from winnow.errors import ConfigError, InputError, Problem
from winnow.logs.files.listing import Listing, empty_file_warnings
from winnow.logs.files.locations import SourceFile
from winnow.logs.opened import FileGroup, Opened
from winnow.logs.parquet.footers import read_footers
from winnow.logs.text.opening import TextReading, open_text_files
from winnow.logs.text.streams import COMPRESSIONS
from winnow.logs.types import Columns, SourceColumn, text_column

_Seen = tuple[SourceFile, Columns, TextReading | None]
_Key = tuple[TextReading | None, tuple[tuple[str, str], ...]]


def open_files(
    log: str, config: LogConfig, kind: str, listing: Listing, names: Collection[str] = ()
) -> Opened:
    """Look at every file of a listing.

    Args:
        log: The log's name, for messages.
        config: Its config.
        kind: ``parquet``, ``csv`` or ``json_lines``.
        listing: The files.
        names: The source columns that decide how the log is read, if it has them: keys of JSON
            lines are looked for by name, since any line may have further ones.

    Raises:
        ConfigError: The config names a format that no file has.
        InputError: A file is truncated, not of its format, or without the header it should have.
    """
    try:
        return _opened(log, config, kind, listing, names)
    except InputError as error:
        if config.format is not None and _all_of_another_format(kind, listing):
            raise ConfigError(
                *(replace(problem, where=f"logs.{log}.format") for problem in error.problems)
            ) from error
        raise


def _opened(
    log: str, config: LogConfig, kind: str, listing: Listing, names: Collection[str]
) -> Opened:
    hollow = not listing.files
    files = listing.files or ((listing.stand_in,) if listing.stand_in else ())
    rows: int | None = None
    late: list[str] = []
    warnings = listing.warnings
    if kind == "parquet":
        _refuse_empty(log, listing.empty)
        footers = read_footers(log, listing.location, files)
        rows = sum(footer.rows or 0 for footer in footers)
        groups = _grouped(kind, zip(files, footers, [None] * len(files), strict=True))
    else:
        warnings += empty_file_warnings(log, listing.location, listing.empty)
        texts, late, without_lines = open_text_files(
            log, config, kind, listing.location, files, names
        )
        warnings += empty_file_warnings(log, listing.location, without_lines, "without a line")
        groups = _grouped(kind, ((text.file, text.columns, text.reading) for text in texts))
    columns, differing = _united(groups)
    return Opened(
        location=listing.location,
        kind=kind,
        groups=groups,
        columns=(*columns, *(text_column(name) for name in late)),
        open_ended=kind == "json_lines" and not columns,
        hollow=hollow,
        rows=0 if hollow else rows,
        size=sum(file.size for file in listing.files),
        differing=differing,
        warnings=warnings,
    )


def _all_of_another_format(kind: str, listing: Listing) -> bool:
    """Return whether each file is Parquet where text was named, or none where Parquet was."""
    files = (*listing.files, *([listing.stand_in] if listing.stand_in else []))

    def is_parquet(file: SourceFile) -> bool:
        with listing.location.filesystem.open_input_file(file.path) as handle:
            return bool(handle.read(len(_PARQUET)) == _PARQUET)

    try:
        return bool(files) and all(is_parquet(file) != (kind == "parquet") for file in files)
    except OSError:
        return False


def guess_format(log: str, listing: Listing) -> str:
    """Return the format that the files' names tell.

    Raises:
        InputError: They tell none, or two.
    """
    files = (*listing.files, *([listing.stand_in] if listing.stand_in else []))
    if not files:
        return "parquet"
    formats: dict[str, SourceFile] = {}
    for file in files:
        if kind := format_of(file.path):
            formats.setdefault(kind, file)
    if len(formats) == 1:
        return next(iter(formats))
    where, fix = f"logs.{log}.format", "Set format to parquet, csv, json_lines or delta."
    what = f"the name of {files[0].path} does not tell the format"
    if formats:
        first, second = list(formats.values())[:2]
        what = f"the names of {first.path} and {second.path} tell two formats"
        fix = "Keep one format in the log's folder, or name its files by a pattern in path."
    raise InputError(Problem(where, what, next_step=fix))


def format_of(name: str) -> str | None:
    """Return the format that a file's name tells by its ending, or None."""
    name = name.lower()
    for compressed in COMPRESSIONS:
        name = name.removesuffix(compressed)
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), None)


_PARQUET = b"PAR1"
"""What every Parquet file begins with."""

_ENDINGS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json_lines",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
}


def _grouped(kind: str, files: Iterable[_Seen]) -> tuple[FileGroup, ...]:
    """Put together what one read can take; JSON lines are read by name, whatever keys they have."""
    groups: dict[_Key, list[SourceFile]] = {}
    columns: dict[_Key, dict[str, SourceColumn]] = {}
    for file, found, text in files:
        shape = tuple((column.name, column.found) for column in found.columns)
        key = (text, () if kind == "json_lines" else shape)
        groups.setdefault(key, []).append(file)
        known = columns.setdefault(key, {})
        for column in found.columns:
            first = known.setdefault(column.name, column)
            if column.by_arrow or column.arrow != first.arrow:
                # One type, held in two ways: an engine takes all files for what the first one is.
                converted = first.converted or column.converted
                known[column.name] = replace(first, by_arrow=True, converted=converted)
    return tuple(
        FileGroup(tuple(members), tuple(columns.get(key, {}).values()), key[0])
        for key, members in groups.items()
    )


def _united(
    groups: Sequence[FileGroup],
) -> tuple[tuple[SourceColumn, ...], tuple[tuple[SourceColumn, SourceColumn], ...]]:
    united: dict[str, SourceColumn] = {}
    differing = []
    for group in groups:
        for column in group.columns:
            known = united.setdefault(column.name, column)
            if column.converted:
                united[column.name] = replace(known, converted=True)
            if known.found != column.found:
                differing.append((known, column))
    return tuple(united.values()), tuple(differing)


def _refuse_empty(log: str, files: Sequence[SourceFile]) -> None:
    """Refuse Parquet files of zero bytes: no writer leaves one where it has no rows."""
    InputError.raise_if_any(
        Problem(
            f"logs.{log}",
            f"{file.path} has zero bytes",
            next_step="Write the file again, or remove it.",
        )
        for file in files
    )
