"""The config of a build that fits simulated logs."""

from pathlib import Path
from typing import Any

from winnow.shipped_files import shipped_text
from winnow.simulation.config import Simulation
from winnow.simulation.simulator import simulate as simulate_logs

_FEEDBACK = """  negative_feedback:
    path: logs/negative_feedback
    format: parquet
    partition: {column: date}
"""


def simulate(out: str | Path, **settings: Any) -> Path:
    """Make up the logs of a recommender, and the config that fits them.

    Args:
        out: The folder that receives ``logs/``, ``truth/`` and ``winnow.yaml``.
        settings: Those of ``Simulation``: ``days``, ``users``, ``items``, ``seed`` and more.

    Returns:
        The config's path, for ``build``.

    Raises:
        ValidationError: A setting is not known or out of range.
    """
    simulation = Simulation(out=Path(out), **settings)
    simulate_logs(simulation)
    return write_simulated(simulation)


def write_simulated(simulation: Simulation) -> Path:
    """Write the config that fits simulated logs beside them; return its path."""
    text = shipped_text("configs", "simulated.yaml")
    if simulation.string_ids:
        text = text.replace(": bigint", ": string")
    if simulation.log_recall:
        text = text.replace("[{name: coarse}", "[{name: recall}, {name: coarse}")
    if simulation.coarse_rows_logged is not None:
        source = "path: logs/ranking_log\n"
        text = text.replace(source, f"{source}    sampled: true\n")
    if simulation.rejection_share:
        text = text.replace("  items:\n", f"{_FEEDBACK}  items:\n")
        entry = "    - {source: low, stage: fine}\n"
        text = text.replace(entry, f"{entry}    - {{source: negative_feedback, count: 2}}\n")
    path = simulation.out / "winnow.yaml"
    path.write_text(text, encoding="utf-8")
    return path
