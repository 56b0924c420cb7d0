"""Training samples in PyTorch; needs the extra ``torch``.

from winnow.torch import SampleDataset, SampleLoader
"""

from winnow.torch.sample_dataset import SampleDataset as SampleDataset
from winnow.torch.sample_loader import SampleLoader as SampleLoader

__all__ = ["SampleDataset", "SampleLoader"]
