"""A release as a data set of MLflow, so that a run says what it was trained on; extra ``mlflow``.

from winnow.mlflow import ReleaseDataset
"""

from winnow.mlflow.release_dataset import ReleaseDataset as ReleaseDataset
from winnow.mlflow.release_source import ReleaseSource as ReleaseSource

__all__ = ["ReleaseDataset", "ReleaseSource"]
