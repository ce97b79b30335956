"""`make calibrate`: fits all efficiencies on a folder of published measurements.

The folder holds `operators/*.parquet`, `collectives_calibrate.csv` and `serving_calibrate.csv`;
results go to `resources/calibration/`. Equal data give equal files.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.errors import EngineError
from engine.study.calibration.collectives import calibrate_collectives
from engine.study.calibration.operators import calibrate_operators
from engine.study.calibration.serving_run import calibrate_serving

PARTS = ("operators", "collectives", "serving")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the parts of the calibration that were asked for; 0 when all are done."""
    parser = argparse.ArgumentParser(prog="calibrate", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of measurements")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part (repeatable)")
    options = parser.parse_args(argv)
    parts = options.only or PARTS
    try:
        if "operators" in parts:
            out = resource_path("calibration", "operators.npz")
            calibrate_operators(options.data / "operators", out, load_catalog(), _say)
        if "collectives" in parts:
            table = options.data / "collectives_calibrate.csv"
            for line in calibrate_collectives(
                table, resource_path("calibration", "collectives.json")
            ):
                _say(line)
        if "serving" in parts:
            calibrate_serving(options.data / "serving_calibrate.csv", _say)
    except (EngineError, OSError) as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return 1
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
