"""Every action of a session of Sail, with the plan that it runs and the stage that asked for it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql.connect import proto
from pyspark.sql.connect.client import SparkConnectClient
from winnow.building.progress import Progress, Stage

from tests.costs.plans import scans, tree_of


class NowAt(Progress):
    """Progress that knows which stage is at work."""

    now = ""

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        self.now = name
        with super().stage(name) as stage:
            yield stage


@dataclass(frozen=True)
class Action:
    """Something that made the engine run a plan.

    Attributes:
        stage: The stage of the build.
        scans: The files of every scan in the plan.
        writes: The folder that the engine writes to, None where it gives rows back.
    """

    stage: str
    scans: list[set[Path]]
    writes: Path | None


@dataclass
class Watch:
    """The actions of a build, in order."""

    progress: NowAt
    actions: list[Action] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note every action from here on: all of them go through one method of the client."""
        run = SparkConnectClient._execute_and_fetch_as_iterator

        def noting(
            client: SparkConnectClient, request: Any, *args: Any, **named: Any
        ) -> Iterator[Any]:
            self._note(client, request.plan)
            yield from run(client, request, *args, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SparkConnectClient, "_execute_and_fetch_as_iterator", noting)
            yield

    def _note(self, client: SparkConnectClient, plan: Any) -> None:
        rows, writes = plan.root, None
        if plan.HasField("command"):
            kind = plan.command.WhichOneof("command_type")
            assert kind == "write_operation", f"what does a {kind} read and write?"
            rows = plan.command.write_operation.input
            writes = Path(plan.command.write_operation.path.removeprefix("file://"))
        told = client.explain_string(proto.Plan(root=rows), "simple")
        self.actions.append(Action(self.progress.now, scans(tree_of(told)), writes))

    def passes(self, folder: Path) -> dict[str, dict[str, int]]:
        """How often each stage scans what lies below a folder, by the name of the sub-folder.

        A plan scans every date of a log on its own: the date that is scanned most often counts.
        """
        seen: dict[tuple[str, str], Counter[Path]] = {}
        for action in self.actions:
            for files in action.scans:
                # A scan is of one folder, and the plan may name only some of its files.
                place = min(files).parent
                if place.is_relative_to(folder) and place != folder:
                    name = place.relative_to(folder).parts[0]
                    seen.setdefault((action.stage, name), Counter())[place] += 1
        passes: dict[str, dict[str, int]] = {}
        for (stage, name), places in seen.items():
            passes.setdefault(stage, {})[name] = max(places.values())
        return passes
