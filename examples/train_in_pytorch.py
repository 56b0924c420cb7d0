"""Load a release in PyTorch: pip install 'winnow[torch]'. What else it can: docs/loader.md."""

import winnow
from winnow.torch import SampleDataset, SampleLoader

release = winnow.open_release("examples/own_logs/warehouse")
for batch in SampleLoader(SampleDataset(release, batch_size=4, split=None)):
    shapes = [tuple(batch[name].shape) for name in ("user_id", "item_id", "neg_item_ids")]
    print(*shapes, batch["undo_weight"].sum().item())
