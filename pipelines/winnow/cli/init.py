"""The config files that commands write: one to start from, and one for simulated logs."""

from pathlib import Path

from winnow.errors import ConfigError, Problem
from winnow.shipped_files import shipped_text
from winnow.simulation import Simulation


def write_starter(path: Path, *, force: bool = False) -> None:
    """Write the commented config to start from.

    Raises:
        ConfigError: The file is there already and ``force`` is false, or it cannot be written.
    """
    if path.exists() and not force:
        raise ConfigError(
            Problem(
                str(path),
                "the file is there already",
                next_step="Give another name, or --force to replace it.",
            )
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text("starter.yaml"), encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(Problem(str(path), f"the file cannot be written: {why}")) from error


def write_simulated(simulation: Simulation) -> Path:
    """Write the config that fits simulated logs beside them; return its path."""
    text = _text("simulated.yaml")
    if simulation.string_ids:
        text = text.replace(": bigint", ": string")
    if simulation.log_recall:
        text = text.replace("  stages:\n", "  stages:\n    - {name: recall, take: none}\n")
    if simulation.coarse_rows_logged is not None:
        source = "path: logs/ranking_log\n"
        text = text.replace(source, f"{source}    sampled: true\n")
    path = simulation.out / "winnow.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _text(name: str) -> str:
    return shipped_text("configs", name)
