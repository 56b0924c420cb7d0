"""Check a release under spark-submit: the arguments are those of ``winnow verify``."""

import sys

from winnow.cli.main import main

if __name__ == "__main__":
    sys.argv.insert(1, "verify")
    main()
