"""The kernels of the sampler, loaded or compiled: one positive is sampled before the first."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from winnow.arrays.distinct import distinct
from winnow.arrays.sorting import order_of, sorted_numbers
from winnow.events.kinds import FIRST_RANKED, FORBIDDEN, PAIR
from winnow.sampler.catalogue_file import Catalogue, save_catalogue
from winnow.sampler.kept_pairs import write_kept_pairs
from winnow.sampler.kernels.draw_table import draw_table
from winnow.sampler.kernels.sampling_spec import SamplingSpec
from winnow.sampler.kernels.selection import SELECT_RANDOM
from winnow.sampler.kernels.stages import BY_PERCENTILE, MARGIN_NONE, TAKE_CUT
from winnow.sampler.positive_columns import PositiveColumns
from winnow.sampler.recipe import DrawnSettings, RecipeSettings
from winnow.sampler.task import sampled
from winnow.sampler.task_settings import SamplerSettings

_PAIR_SCHEMA = pa.schema(
    {
        **dict.fromkeys(("request_id", "user_key", "request_key", "item_key"), pa.int64()),
        **dict.fromkeys(("owner_key", "impression_us", "click_us", "tie"), pa.int64()),
        "action": pa.int8(),
    }
)


def load_sampler_kernels() -> None:
    """Load what tasks compute with: a second from the cache on disk, a dozen compiled."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.arrow"
        save_catalogue(_catalogue(), path)
        settings = SamplerSettings(
            seed=0,
            epoch=0,
            start_us=0,
            end_us=1,
            negatives=RecipeSettings(
                drawn=(DrawnSettings(1, 0, 2), DrawnSettings(0, 1, 3)),
                stages=((TAKE_CUT, True, ((BY_PERCENTILE, 0.0, 1.0, MARGIN_NONE, 0.0, 0, 2),)),),
                pools=((1, SELECT_RANDOM, 4, 1.0),),
                spec=SamplingSpec(
                    fills=True,
                    mixture=False,
                    max_rejections=1,
                    higher_is_better=True,
                    cut_by_absence=False,
                    by_last_stage=False,
                    sampled=False,
                ),
            ),
            catalogue=str(path),
            pair_files=folder,
            of_positives=PositiveColumns(),
        )
        (places,) = write_kept_pairs([_pair()], settings)
        # Not as a task, which would keep others from their turn while kernels are compiled.
        sampled(pa.Table.from_batches([_events(places)]), settings)
    many = np.arange(2**15)  # few numbers are sorted by NumPy
    distinct(many)
    order_of(many)
    sorted_numbers(many)


def _catalogue() -> Catalogue:
    keys, weights = np.arange(4, dtype=np.uint64), np.ones(4, np.int64)
    draws = draw_table(keys, weights, keys[:1], np.ones(1))
    return Catalogue(
        draws,
        pa.array(keys.view(np.int64)),
        weights,
        keys[:0],
        weights[:0],
        first_groups=np.zeros(1, np.int32),
        by_item=np.zeros(1, np.bool_),
        groups_by_item=np.empty(0, np.int32),
        user_begins=np.zeros(2, np.int64),
        user_values=pa.array([], pa.string()),
    )


def _pair() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([dict.fromkeys(_PAIR_SCHEMA.names, 0)], schema=_PAIR_SCHEMA)


def _events(places: pa.RecordBatch) -> pa.RecordBatch:
    """Return an impression, the place of its pair, and one candidate of its request."""
    file, row = (places[name][0].as_py() for name in ("pair_file", "pair_row"))
    return pa.RecordBatch.from_pydict(
        {
            "owner_key": [0, file, 0],
            "item_key": [1, row, 2],
            "kind": pa.array([FORBIDDEN, PAIR, FIRST_RANKED + 1], pa.int8()),
            "score": pa.array([None, None, 1.0]),
            "rank": pa.array([0, 0, 1], pa.int32()),
        }
    )
