"""The address of a server of Spark Connect: an argument's, or the environment's."""

import os

from winnow.errors import ConfigError, Problem

REMOTE_VARIABLE = "SPARK_REMOTE"
"""Spark's own name for the address, where no argument gives it."""
FORM = "sc://host:port, with /;token=… or /;use_ssl=true behind it where the server asks for it"


def remote_address(remote: str | None) -> tuple[str, str]:
    """Return where the address of the server stands, for messages, and the address.

    Raises:
        ConfigError: There is none, or it is not one of Spark Connect.
    """
    where = "--remote" if remote else REMOTE_VARIABLE
    address = remote or os.environ.get(REMOTE_VARIABLE)
    if not address:
        what = "the engine connect needs the address of a server"
        fix = f"Add --remote, or set {REMOTE_VARIABLE}."
        raise ConfigError(Problem("--remote", what, expected=FORM, next_step=fix))
    if not address.startswith("sc://"):
        raise ConfigError(Problem(where, "this is no address of Spark Connect", address, FORM))
    return where, address


def refuse_remote_variable() -> None:
    """Refuse to start Spark here while the environment sends sessions elsewhere.

    Raises:
        ConfigError: It does; PySpark would end in a trace.
    """
    address = os.environ.get(REMOTE_VARIABLE)
    if address:
        what = "this sends PySpark to a server, and the engine spark starts its own"
        fix = f"Unset {REMOTE_VARIABLE}, or use --engine connect."
        raise ConfigError(Problem(REMOTE_VARIABLE, what, address, next_step=fix))
