"""The config's ``gates``: bounds in place of the default ones."""

import difflib
from collections.abc import Mapping
from typing import Self

from pydantic import model_validator

from winnow.config.gate_rules import RULE_OF, Between, GateRule
from winnow.config.model import Frozen


class Bound(Frozen):
    """The figures that a gate allows, both ends included; where one is not set, it is open."""

    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least must not exceed most")
        return self


class GateBounds(Frozen):
    """Bounds that replace the default ones: ``fail`` stops the release, ``warn`` only tells."""

    fail: Bound | None = None
    warn: Bound | None = None


def known_gates(gates: Mapping[str, GateBounds]) -> Mapping[str, GateBounds]:
    """Return the settings of gates as they are.

    Raises:
        ValueError: One names no gate, or an absolute one.
    """
    for name in gates:
        rule = RULE_OF.get(name.split(".")[0])
        if rule is None:
            close = difflib.get_close_matches(name, RULE_OF, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; known are {sorted(RULE_OF)}"
            raise ValueError(f"gates: {name} is no gate{hint}")
        if rule.absolute:
            raise ValueError(f"gates: {name} has no setting: it keeps one of Winnow's truths")
    return gates


def bounds_of(
    gates: Mapping[str, GateBounds], rule: GateRule, subject: str
) -> tuple[Between | None, Between | None]:
    """Return what a gate (fails, warns) outside of; a subject's setting goes before the gate's."""
    for name in (f"{rule.name}.{subject}", rule.name):
        if name in gates:
            own = gates[name]
            given = own.model_fields_set
            fail = _between(own.fail) if "fail" in given else rule.fail
            warn = _between(own.warn) if "warn" in given else rule.warn
            return fail, warn
    return rule.fail, rule.warn


def _between(bound: Bound | None) -> Between | None:
    return None if bound is None else Between(bound.least, bound.most)
