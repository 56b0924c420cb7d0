"""What becomes a positive: which impressions, how hot items are thinned, weights of actions."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from winnow.config.logs import Scalar
from winnow.config.model import Frozen, Identifier, SourceName, fault, named_twice, refuse
from winnow.config.yaml_text import Key

_NO_NAME = re.compile(r"[^A-Za-z0-9_]")


class Downsampling(Frozen):
    """How positives of hot items are thinned; f is the item's popularity, t the threshold.

    ``sqrt``: min(1, sqrt(t / f)); ``cap``: min(1, t / f); ``power``: min(1, (t / f)^power);
    ``none`` keeps all. t is ``threshold_clicks``, or the ``threshold_quantile`` of f over the
    clicked items.

    Those of word2vec have f and t as fractions of all clicks, t is ``threshold_share``:
    ``word2vec_paper``: min(1, sqrt(t / f)); ``word2vec_code``: min(1, sqrt(t / f) + t / f).
    """

    rule: Literal["sqrt", "cap", "power", "word2vec_paper", "word2vec_code", "none"] = "sqrt"
    threshold_quantile: float = Field(default=0.99, gt=0.0, le=1.0)
    threshold_clicks: float | None = Field(default=None, gt=0.0)
    threshold_share: float = Field(default=0.001, gt=0.0, le=1.0)
    power: float = Field(default=0.5, gt=0.0, le=4.0)

    @model_validator(mode="after")
    def _own_threshold(self) -> Self:
        others = {"threshold_share"}
        if self.of_shares:
            others = {"threshold_clicks", "threshold_quantile"}
        own = "threshold_share" if self.of_shares else "threshold_clicks or threshold_quantile"
        # A config that was written out again names every key: with its default it says nothing.
        fields = type(self).model_fields
        refuse(
            fault((name,), f"rule {self.rule} does not look at this", expected=own)
            for name in sorted(others)
            if getattr(self, name) != fields[name].default
        )
        return self

    @property
    def of_shares(self) -> bool:
        """Whether the rule has f and t as fractions of all clicks."""
        return self.rule in ("word2vec_paper", "word2vec_code")


class Upsampling(Frozen):
    """How positives of cold items are repeated; f is the item's clicks, whatever makes it popular.

    min(most, max(1, (threshold_clicks / f)^power)) rows are expected of one positive.
    """

    threshold_clicks: float = Field(gt=1.0)
    power: float = Field(default=0.5, gt=0.0, le=4.0)
    most: float = Field(default=5.0, gt=1.0, le=100.0)


class _Strength(Frozen):
    """What positives of another strength than ``strong`` count for; for nothing unless asked.

    ``thinned``: those of hot items are thinned as clicked ones are. ``capped``: they are among the
    positives of their user that ``per_user_cap`` counts.
    """

    thinned: bool = False
    capped: bool = False


class Weak(_Strength):
    """Shown items without a click as positives of their own strength.

    A ``share`` of them stays, by a hash; ``weight`` is their sample_weight.
    """

    share: float = Field(gt=0.0, le=1.0)
    weight: float = Field(default=1.0, ge=0.0)


class Organic(_Strength):
    """Clicks without an impression, such as those in search, as positives of their own strength."""

    actions: tuple[str, ...] = Field(min_length=1)


class WeightBy(Frozen):
    """How a value of the clicks weighs a positive, besides its action.

    With v the value, no less than 0 and no more than ``cap``: ``linear`` is v / unit, ``log1p`` is
    ln(1 + v / unit). A positive of which no click had a value has ``where_missing``.
    """

    value: str
    rule: Literal["linear", "log1p"] = "linear"
    unit: float = Field(default=1.0, ge=1e-9, le=1e12)
    cap: float | None = Field(default=None, gt=0.0)
    where_missing: float = Field(default=1.0, ge=0.0)


def _as_column(action: str) -> str:
    """Return an action with ``_`` for what a column's name should not have."""
    return _NO_NAME.sub("_", action)


class Positives(Frozen):
    """Positives: their thinning and the weight and strength order of the actions.

    ``actions`` lists the action types from weak to strong; others are rejected. ``weights`` gives
    sample_weight per action, 1 where not named. ``where`` chooses the impressions that may become
    positives and ranking_samples: source column of the impression log to the values that are taken.
    ``where_not`` leaves out those with one of the values. All others forbid their items as before.
    ``labels`` names the actions that have a column of
    their own beside the strongest one's. ``values`` names number columns of the click log, and what
    is made of those of a positive's clicks. ``per_user_cap`` is how many positives of a date a user
    may have. ``weak`` takes shown items without a click besides, ``organic`` clicks without an
    impression; both are marked as such.
    """

    where: dict[SourceName, tuple[Scalar, ...]] = Field(default_factory=dict)
    where_not: dict[SourceName, tuple[Scalar, ...]] = Field(default_factory=dict)

    downsampling: Downsampling = Downsampling()
    upsampling: Upsampling | None = None
    actions: tuple[str, ...] = Field(
        default=("click", "favourite", "cart", "buy"), min_length=1, max_length=100
    )
    weights: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default_factory=dict)
    labels: tuple[str, ...] = ()
    values: dict[Identifier, Literal["max", "sum"]] = Field(default_factory=dict)
    weight_by: WeightBy | None = None
    per_user_cap: int | None = Field(default=None, ge=1, le=1_000_000)
    weak: Weak | None = None
    organic: Organic | None = None

    @model_validator(mode="after")
    def _weighed_by_a_value(self) -> Self:
        if self.weight_by is not None and self.weight_by.value not in self.values:
            what, known = "values has no such column", ", ".join(self.values)
            found = self.weight_by.value
            expected = f"one of {known}" if known else f"values: {{{found}: max}}"
            refuse([fault(("weight_by", "value"), what, found, expected)])
        return self

    @model_validator(mode="after")
    def _have_a_cap(self) -> Self:
        for name in self.capped if self.per_user_cap is None else ():
            what = "there is no cap that they could be counted in"
            fix = "Set per_user_cap, or take it out."
            refuse([fault((name, "capped"), what, "true", next_step=fix)])
        return self

    @model_validator(mode="after")
    def _known_actions(self) -> Self:
        refuse(named_twice(self.actions, ("actions",)))
        refuse(named_twice(self.labels, ("labels",)))
        organic = () if self.organic is None else self.organic.actions
        refuse(named_twice(organic, ("organic", "actions")))
        known = f"one of {', '.join(self.actions)}"
        named: list[tuple[Key, str]] = [(("weights", action), action) for action in self.weights]
        named += [(("organic", "actions", place), one) for place, one in enumerate(organic)]
        named += [(("labels", place), action) for place, action in enumerate(self.labels)]
        refuse(
            fault(key, "actions has no such action", action, known)
            for key, action in named
            if action not in self.actions
        )
        return self

    @property
    def others(self) -> tuple[str, ...]:
        """The strengths besides ``strong`` that positives may have."""
        asked = {"weak": self.weak, "organic": self.organic}
        return tuple(name for name, rule in asked.items() if rule is not None)

    @property
    def thinned(self) -> tuple[str, ...]:
        """The strengths besides ``strong`` whose hot items are thinned."""
        asked = {"weak": self.weak, "organic": self.organic}
        return tuple(name for name, rule in asked.items() if rule is not None and rule.thinned)

    @property
    def capped(self) -> tuple[str, ...]:
        """The strengths besides ``strong`` that count for the cap of their user."""
        asked = {"weak": self.weak, "organic": self.organic}
        return tuple(name for name, rule in asked.items() if rule is not None and rule.capped)

    @property
    def choosing(self) -> frozenset[str]:
        """The columns of the impression log that say what may become a positive."""
        return frozenset({*self.where, *self.where_not})

    @property
    def label_names(self) -> Mapping[str, str]:
        """What the columns of each label are called by: ``add-to-cart`` by ``add_to_cart``."""
        return {action: _as_column(action) for action in self.labels}
