"""Load a release in PyTorch: pip install winnow torch. More workers, more rows: see README.md."""

import torch
import winnow
from torch.utils.data import DataLoader, TensorDataset

rows = winnow.open_release("examples/own_logs/warehouse").arrow("training_samples").to_table()
columns = [torch.tensor(rows[name].to_numpy()) for name in ("user_id", "item_id", "undo_weight")]
lists = [torch.tensor(ids) for ids in rows["neg_item_ids"].to_pylist()]
negatives = torch.nn.utils.rnn.pad_sequence(lists, batch_first=True, padding_value=-1)
for user, item, weight, negative in DataLoader(TensorDataset(*columns, negatives), batch_size=5):
    print(tuple(user.shape), tuple(item.shape), weight.sum().item(), tuple(negative.shape))
