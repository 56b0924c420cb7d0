"""What can be known of a config before an engine starts."""

from winnow.audit.suites.reading import read_suites
from winnow.audit.suites.suite import Suite
from winnow.building.apart import require_apart
from winnow.config.tree import Config


def check_config(config: Config) -> tuple[Suite, ...]:
    """Check that the tables lie apart from the logs, and read the suites of the user's own.

    Returns:
        The suites, for the build.

    Raises:
        ConfigError: A log lies within the warehouse or the warehouse within a log, or a suite is
            not right.
    """
    require_apart(config)
    return read_suites(config)
