"""Which recipe of a config a command is about: the config itself, or one of its variants."""

from winnow.config.tree import Config
from winnow.errors import ConfigError, Problem


def one_recipe(config: Config, variant: str | None, where: str) -> Config:
    """Return the config of a variant, or the config itself where it has none and none is named.

    Args:
        config: The whole config. variant: The variant.
        where: The argument that names it, for the error.

    Raises:
        ConfigError: There is no such variant; or none is named, and the config has some.
    """
    if variant is not None:
        return config.variant(variant, where)
    if config.variants:
        what, known = "the config has variants; which one?", ", ".join(config.variants)
        raise ConfigError(Problem(where, what, expected=f"one of {known}"))
    return config
