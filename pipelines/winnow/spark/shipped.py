"""Where a task finds a file that the engine shipped to it."""

from pathlib import Path

from pyspark import SparkFiles


def shipped(name: str) -> str:
    """Return the path of a shipped file on the machine that asks.

    On Spark the engine's ``ship`` puts it into the task's own folder. An engine whose tasks run on
    the driver's machine ships nothing and gives the absolute path as the name.

    Raises:
        FileNotFoundError: Nothing of this name was shipped.
    """
    if Path(name).is_absolute():
        return name
    path = Path(SparkFiles.get(name))
    if not path.exists():
        raise FileNotFoundError(f"{name} was not shipped to this task: looked at {path}")
    return str(path)
