"""A source of negatives of one's own: items with an even id, each as likely as any other."""

from datetime import date
from typing import Any, ClassVar

import numpy as np
import winnow
from winnow.config.model import Frozen
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups, register


@register
class EvenIds:
    """What ``source: even_ids`` in a config is."""

    name: ClassVar[str] = "even_ids"
    code: ClassVar[int] = 16

    class Settings(Frozen):
        """What may stand under ``settings``."""

        divisor: int = 2

    @staticmethod
    def groups(settings: Any, items: CatalogueItems) -> Groups:
        """Return one group, once a date: what is drawn from."""
        codes = np.flatnonzero(items.ids.to_numpy() % settings.divisor == 0).astype(np.int32)
        return Groups([Group(codes, np.ones(len(codes), np.int64))])


winnow.build("examples/own_logs/even_ids.yaml", "2026-01-01")
release = winnow.open_release("examples/own_logs/even-ids", ds=date(2026, 1, 1))
rows = release.arrow("easy_negatives").to_table().to_pylist()
drawn = [row["neg_item_id"] for row in rows if row["source"] == "even_ids"]
print(f"{len(drawn)} draws of {sorted(set(drawn))}")
