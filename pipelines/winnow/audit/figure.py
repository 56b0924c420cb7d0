"""A figure: what an audit measured, before it is judged."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        rule: The name of its gate in ``config.gates.GATE_RULES``.
        value: What was measured; None where it could not be, which fails the gate.
        subject: The log, table or reason, where the gate is judged for several.
        detail: What a person should know beyond the figure, or why there is none.
    """

    rule: str
    value: float | int | None
    subject: str = ""
    detail: str = ""

    @property
    def name(self) -> str:
        """The gate's name, with its subject where it has one."""
        return f"{self.rule}.{self.subject}" if self.subject else self.rule
