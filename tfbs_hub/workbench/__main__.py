"""`python -m tfbs_hub.workbench`: answer requests on stdin until it ends."""

from __future__ import annotations

import sys

from tfbs_hub.workbench.server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
