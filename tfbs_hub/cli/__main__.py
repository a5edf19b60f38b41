"""`python -m tfbs_hub.cli`: the command line where no `tfbs-hub` is on the path."""

from __future__ import annotations

from tfbs_hub.cli import main

if __name__ == "__main__":
    main()
