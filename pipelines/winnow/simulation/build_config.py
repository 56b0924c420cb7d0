"""The config of a build that fits simulated logs."""

from pathlib import Path

from winnow.shipped_files import shipped_text
from winnow.simulation.config import Simulation


def write_simulated(simulation: Simulation) -> Path:
    """Write the config that fits simulated logs beside them; return its path."""
    text = shipped_text("configs", "simulated.yaml")
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
