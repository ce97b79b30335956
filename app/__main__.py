"""`python -m app`: the same as the program `rackflow`."""

import sys

from app.main import main

sys.exit(main())
