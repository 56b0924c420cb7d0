"""A simulated recommender: logs of a whole funnel, with the truth behind them.

The simulator stands apart from the library: it makes inputs for demos, tests and benchmarks, so
that nothing here is needed to build samples from real logs.
"""

from winnow.simulation.config import Simulation
from winnow.simulation.simulator import simulate
from winnow.simulation.summary import SimulationSummary

__all__ = ["Simulation", "SimulationSummary", "simulate"]
