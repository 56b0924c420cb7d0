"""The algorithm as the paper has it, corrected: dictionaries, and one row at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from winnow.frequency.buckets import buckets_of, keys_of
from winnow.frequency.estimator import FrequencySettings


@dataclass
class Book:
    """Arrays A and B of algorithm 3 by (array, bucket); each bucket once a step."""

    settings: FrequencySettings
    t: int = 0
    a: dict[tuple[int, int], int] = field(default_factory=dict)
    b: dict[tuple[int, int], float] = field(default_factory=dict)

    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def buckets(self, item: int) -> list[tuple[int, int]]:
        if item not in self.places:
            self.places[item] = self._hashed(item)
        return self.places[item]

    def _hashed(self, item: int) -> list[tuple[int, int]]:
        found = buckets_of(keys_of([item]), self.settings.arrays, self.settings.buckets)
        return [(number, int(found[number, 0])) for number in range(self.settings.arrays)]

    def update(self, items: Iterable[int]) -> None:
        self.t += 1
        alpha = self.settings.rate
        for item in items:
            for place in self.buckets(item):
                last = self.a.get(place, 0)
                if last == self.t:
                    continue
                gap = self.b.get(place, self.settings.start_gap)
                self.b[place] = (1.0 - alpha) * gap + alpha * (self.t - last)
                self.a[place] = self.t

    def presence(self, item: int) -> float | None:
        places = self.buckets(item)
        if any(place not in self.a for place in places):
            return None
        return 1.0 / max(self.b[place] for place in places)


def random_batches(n: int, items: int = 60, seed: int = 1) -> list[list[int]]:
    """Batches of zero to twelve rows, items skewed, some of them several times."""
    rng = np.random.default_rng(seed)
    return [(items * rng.random(rng.integers(0, 13)) ** 3).astype(int).tolist() for _ in range(n)]
