"""Writes resources/examples from code: the designs and their index; a test compares the files."""

import sys
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent))  # the package `examples` beside this file

from examples import EXAMPLES

from engine.catalog.loader import load_catalog
from engine.storage.atomic import write_atomic
from engine.storage.examples import INDEX, Example, ExampleIndex, examples_folder
from engine.storage.project_file import save_design


def index() -> bytes:
    """The bytes of the index: every example in the order of the lists."""
    entries = tuple(
        Example(id=e.id, file=f"{e.id}.rackflow", title=e.title, summary=e.summary)
        for e in EXAMPLES
    )
    content = msgspec.json.encode(ExampleIndex(examples=entries))
    return msgspec.json.format(content, indent=2) + b"\n"


def main() -> int:
    """Writes every example and the index, and names them."""
    catalog = load_catalog()
    folder = examples_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for example in EXAMPLES:
        target = folder / f"{example.id}.rackflow"
        save_design(target, example.make(catalog), catalog)
        sys.stdout.write(f"{target}\n")
    write_atomic(folder / INDEX, index())
    sys.stdout.write(f"{folder / INDEX}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
