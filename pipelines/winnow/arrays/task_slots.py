"""Whose turn it is to compute, where tasks are threads of one process."""

import os
from threading import BoundedSemaphore

TURNS = BoundedSemaphore(os.cpu_count() or 1)
"""Held by a task while it computes with all rows of its partition, and not while it waits for rows.

On Sail all tasks of a shuffle have received their rows before the first one computes. No more of
them than there are cores hold, beside their rows, the arrays that they compute with. On Spark a
task is a process and has its turn at once.
"""
