"""`python -m engine`: the headless verbs, without the window's package."""

import sys

from engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
