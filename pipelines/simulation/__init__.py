"""A simulated recommender: logs of a whole funnel, with the truth behind them.

The simulator stands apart from the library: it makes inputs for demos, tests and benchmarks, so
that nothing here is needed to build samples from real logs.
"""

from pipelines.simulation.config import Simulation
from pipelines.simulation.simulator import simulate
from pipelines.simulation.summary import SimulationSummary

__all__ = ["Simulation", "SimulationSummary", "simulate"]
