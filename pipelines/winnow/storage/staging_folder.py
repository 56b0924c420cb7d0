"""Where this machine stages what goes to an object store: tasks write files, in a folder."""

import os
import tempfile
from hashlib import sha256
from pathlib import Path

from winnow.errors import Problem, RequirementError


def staging_folder(address: str) -> Path:
    """Return the folder of all that this user's runs stage for a warehouse, by its address.

    It lies in the system's folder of temporary files, which ``TMPDIR`` names, and is the same for
    every process: what a run has left is found again, looked at, and removed.

    Nobody else may look into it: others may write where it lies.

    Raises:
        RequirementError: Somebody else's folder is in its place.
    """
    own = Path(tempfile.gettempdir()).absolute() / f"winnow-staging-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    if own.is_symlink() or own.stat().st_uid != os.getuid():
        what = "is a link or another user's, and staged rows are nobody else's business"
        step = "Remove it, or name another folder by TMPDIR."
        raise RequirementError(Problem(str(own), what, next_step=step))
    # No part of the address is a name here: other stores allow what a file system does not.
    return own / sha256(address.encode()).hexdigest()[:16]
