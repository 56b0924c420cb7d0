"""How many tasks compute at a time, where tasks are threads of one process."""

import os
from threading import BoundedSemaphore

TASK_SLOTS = BoundedSemaphore(os.cpu_count() or 1)
"""One slot per core, held by a task while it computes, not while it waits for rows.

On Sail all tasks of a shuffle have received their rows before the first one computes. The slots
bound how many of them hold, in addition to their rows, the arrays that they compute with. On Spark
a task is a process of its own and always gets a slot.
"""
