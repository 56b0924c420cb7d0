"""Write what a command makes: a config, a schema, a page."""

from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write a file, and the folders that lead to it.

    Raises:
        ConfigError: It cannot be written.
    """
    from winnow.errors import ConfigError, Problem

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise ConfigError(Problem(str(path), f"the file cannot be written: {why}")) from error
