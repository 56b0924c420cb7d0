"""Physical plans of both engines as trees: which rows are moved between tasks, what is scanned."""

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import DataFrame

_INDENT = re.compile(r"[ :|+-]*")
_FILE = re.compile(r"[^\s\[\],]+\.parquet")


@dataclass
class Node:
    """One line of a plan and what stands below it."""

    text: str
    children: list["Node"] = field(default_factory=list)

    def below(self) -> Iterator["Node"]:
        """This node and every one below it."""
        yield self
        for child in self.children:
            yield from child.below()


def explained(frame: DataFrame) -> Node:
    """The plan that the engine would run for a frame, without running it."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        frame.explain()
    return tree_of(told.getvalue())


def tree_of(text: str) -> Node:
    """Read a plan as the engines print it: a line per node, inputs below and indented."""
    root = Node("plan")
    above: list[tuple[int, Node]] = [(-1, root)]
    for line in text.splitlines():
        depth = _INDENT.match(line).end()  # type: ignore[union-attr]
        if not line.strip() or line.startswith("=="):
            continue
        while above[-1][0] >= depth:
            above.pop()
        node = Node(line[depth:])
        above[-1][1].children.append(node)
        above.append((depth, node))
    return root


def exchanges(node: Node) -> Iterator[Node]:
    """Every node that moves rows between tasks; a copy to all tasks is one, with all below it."""
    if copied := _copied_to_all(node):
        yield Node("copied to all tasks", copied)
    elif re.match(r"Exchange|RepartitionExec", node.text):
        yield node
    for child in node.children:
        if child not in copied:
            yield from exchanges(child)


def _copied_to_all(node: Node) -> list[Node]:
    # Spark has a node for it; Sail collects the first input of such a join.
    if node.text.startswith("BroadcastExchange"):
        return node.children
    if node.text.startswith("HashJoinExec: mode=CollectLeft"):
        return node.children[:1]
    return []


def scans(node: Node) -> list[set[Path]]:
    """The files of every scan of files, as far as the plan of Sail names them."""
    files = [
        {Path("/", name) for name in _FILE.findall(found.text.partition("projection=")[0])}
        for found in node.below()
        if found.text.startswith("DataSourceExec")
    ]
    return [names for names in files if names]
