"""What tests of operations share: a shop's logs, commands that print JSON, an engine for all."""

from tests.cli.conftest import no_engine, shared_engine, shop, told

__all__ = ["no_engine", "shared_engine", "shop", "told"]
