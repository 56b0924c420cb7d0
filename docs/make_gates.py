"""Write ``docs/gates.md`` from the gates' rules: run ``python docs/make_gates.py``."""

from pathlib import Path

from winnow.config.gate_rules import GATE_RULES, Between, GateRule

PAGE = Path(__file__).with_name("gates.md")

_INTRO = """# Gates

Made from `pipelines/winnow/config/gate_rules.py` by `python docs/make_gates.py`; a test fails where the two
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
    for group in dict.fromkeys(rule.group for rule in GATE_RULES):
        parts += [f"## {group.capitalize()}", ""]
        parts += ["| gate | fails | warns | unit | figure |", "|---|---|---|---|---|"]
        parts += [_row(rule) for rule in GATE_RULES if rule.group == group]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _row(rule: GateRule) -> str:
    fails = _allowed(rule.fail) + (", absolute" if rule.absolute else "")
    cells = [f"`{rule.name}`", fails, _allowed(rule.warn), rule.unit, rule.meaning]
    return f"| {' | '.join(cells)} |"


def _allowed(bounds: Between | None) -> str:
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
