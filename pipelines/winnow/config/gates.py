"""The config's ``gates``: bounds in place of the default ones."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Self

from pydantic import model_validator

from winnow.config.gate_names import ABSOLUTE, SETTABLE
from winnow.config.model import Fault, Frozen, fault, nearest


class Bounds(Frozen):
    """The figures that a gate allows, both ends included; where one is not set, it is open."""

    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("least must not exceed most")
        return self

    def in_words(
        self,
        number: Callable[[float], str] = "{:g}".format,
        last: Callable[[float], str] | None = None,
        *,
        exactly: str = "",
    ) -> str:
        """Return the allowed figures as words: ``at most 0.5``, ``1 to 3``.

        Args:
            number: Writes a figure.
            last: Writes the one that the words end with, where it has a unit; else as ``number``.
            exactly: Stands before the only figure that is allowed.
        """
        last = number if last is None else last
        if self.least is None:
            return "any figure" if self.most is None else f"at most {last(self.most)}"
        if self.most is None:
            return f"at least {last(self.least)}"
        if self.least == self.most:
            return f"{exactly} {last(self.most)}".strip()
        return f"{number(self.least)} to {last(self.most)}"


class GateBounds(Frozen):
    """Outside of ``fail`` a gate stops the release, outside of ``warn`` it only tells; or never."""

    fail: Bounds | None = None
    warn: Bounds | None = None

    def replaced_by(self, setting: "GateBounds") -> "GateBounds":
        """Return these bounds, but of each level that a setting names the setting's."""
        given = {name: getattr(setting, name) for name in setting.model_fields_set}
        return self.model_copy(update=given)


def gate_faults(gates: Iterable[str]) -> Iterator[Fault]:
    """Give what is wrong with the names of settings: each is a gate's, or a gate's and a subject.

    Args:
        gates: ``rejected_share``, or ``rejected_share.clicks``.
    """
    for name in gates:
        gate = name.partition(".")[0]
        if gate in ABSOLUTE:
            yield fault((name,), f"{gate} has no setting: it keeps one of Winnow's truths")
        elif gate not in SETTABLE:
            hint = nearest(gate, SETTABLE)
            expected = None if hint else f"one of {', '.join(SETTABLE)}"
            yield fault((name,), "there is no such gate", gate, expected, hint)


def bounds_of(
    default: GateBounds, gates: Mapping[str, GateBounds], name: str, subject: str
) -> GateBounds:
    """Return the bounds of a gate; a subject's setting goes before the gate's."""
    for key in (f"{name}.{subject}", name):
        if key in gates:
            return default.replaced_by(gates[key])
    return default
