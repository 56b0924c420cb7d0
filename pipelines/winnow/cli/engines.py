"""How a command starts its engine."""

from typing import TYPE_CHECKING

from winnow.engine.startup.garbage import nothing_collected

if TYPE_CHECKING:
    from winnow.building.progress import Progress
    from winnow.engine.engine import Engine


def started(
    title: str,
    progress: "Progress",
    engine: str | None,
    master: str | None,
    remote: str | None,
    driver_memory: str | None,
    *,
    small_data: bool = False,
) -> "Engine":
    """Start the engine that the options of a command name; a ``with`` of it stops it.

    Args:
        title: The application's name, as a cluster shows it. progress: Whom to tell of it.
        engine: ``sail``, ``spark`` or ``connect``. master, driver_memory: Of Spark.
        remote: Of Connect. small_data: Spark starts faster, and runs long work slower.

    Raises:
        ConfigError, RequirementError, ExecutorError: It cannot start; see ``start_engine``.
    """
    with nothing_collected(), progress.stage("start the engine"):
        from winnow.engine.choice import start_engine

        return start_engine(
            title,
            engine=engine,
            master=master,
            remote=remote,
            driver_memory=driver_memory,
            small_data=small_data,
        )
