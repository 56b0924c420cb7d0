"""Write what is made of the gates: run ``python -m docs.make_gates``.

That is the page ``docs/gates.md``, and the names that a config may use, which it knows without the
audit.
"""

from pathlib import Path

from winnow.audit.gate import GROUPS, Gate
from winnow.audit.registry import GATES
from winnow.config import gate_names
from winnow.config.gates import Bounds

PAGE = Path(__file__).with_name("gates.md")
NAMES = Path(gate_names.__file__)

_INTRO = """# Gates

Made from the modules in `pipelines/winnow/audit/gates` by `python -m docs.make_gates`; a test fails where the two
differ. What gates are, and how their bounds are set, stands in [quality.md](quality.md); so do
[gates of your own](quality.md#your-own-gates), which come behind these.

Outside of *fails* nothing is published. Outside of *warns* the release says so. *Absolute* gates keep
one of Winnow's truths: they have no setting. A gate that is judged for each log, table, reason or
source carries its name as well, as in `rejected_share.clicks`. p-values are given as -log10 p: 4 is a
chance of one in ten thousand, 9 of one in a billion.
"""  # noqa: E501


def render() -> str:
    """Return the page."""
    parts = [_INTRO]
    for group in GROUPS:
        parts += [f"## {group.capitalize()}", ""]
        parts += ["| gate | fails | warns | unit | figure |", "|---|---|---|---|---|"]
        parts += [_row(gate) for gate in GATES if gate.group == group]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def render_names() -> str:
    """Return the module with the names."""
    parts = [
        '"""The names of the gates, made by ``python -m docs.make_gates``: not to be edited."""'
    ]
    for name, meaning, absolute in (
        ("SETTABLE", "Gates that may have bounds of their own.", False),
        ("ABSOLUTE", "Gates that keep one of Winnow's truths: they have no setting.", True),
    ):
        listed = "".join(f'    "{gate.name}",\n' for gate in GATES if gate.absolute == absolute)
        parts.append(f'{name} = (\n{listed})\n"""{meaning}"""')
    return "\n\n".join(parts) + "\n"


def _row(gate: Gate) -> str:
    bounds = gate.bounds
    fails = _allowed(bounds.fail) + (", absolute" if gate.absolute else "")
    cells = [f"`{gate.name}`", fails, _allowed(bounds.warn), gate.unit, gate.meaning]
    return f"| {' | '.join(cells)} |"


def _allowed(bounds: Bounds | None) -> str:
    if bounds is None:
        return ""
    if bounds.least == bounds.most:
        return f"unless {bounds.least:g}"
    if bounds.least is None:
        return f"above {bounds.most:g}"
    if bounds.most is None:
        return f"below {bounds.least:g}"
    return f"outside {bounds.least:g} to {bounds.most:g}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    NAMES.write_text(render_names(), encoding="utf-8")
