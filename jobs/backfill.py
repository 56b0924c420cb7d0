"""Build many dates under spark-submit: the arguments are those of ``winnow backfill``."""

import sys

from winnow.cli.main import main

if __name__ == "__main__":
    sys.argv.insert(1, "backfill")
    main()
