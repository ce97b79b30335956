"""The examples that come with the program: an index in `resources/examples` and a design each."""

import re
from pathlib import Path

import msgspec

from engine.catalog.resources import resource_path
from engine.errors import DamagedFileError, FileError, TooLargeError

INDEX = "index.json"
MAX_BYTES = 100_000
MAX_EXAMPLES = 100
WAY_OUT = "install Rackflow again"
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*\.rackflow")


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One example: its id, the file beside the index, and what lists say of it."""

    id: str
    file: str
    title: str
    summary: str

    def path(self, folder: Path | None = None) -> Path:
        """Where its design lies."""
        return (folder or examples_folder()) / self.file


class ExampleIndex(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of the index; lists show the examples in its order."""

    examples: tuple[Example, ...]


def examples_folder() -> Path:
    """The folder of the examples that are shipped."""
    return resource_path("examples")


def load_examples(folder: Path | None = None) -> tuple[Example, ...]:
    """The examples of a folder (those that are shipped) in the order of its index.

    Raises:
        FileError: the index cannot be read.
        TooLargeError: it has over 100,000 bytes.
        DamagedFileError: it is no index, an id comes twice, or a file is not a plain name of a
            design in the folder; names the place in the index.
    """
    place = (folder or examples_folder()) / INDEX
    try:
        size = place.stat().st_size
        if size > MAX_BYTES:
            raise TooLargeError(place, f"it has {size:,} bytes, over {MAX_BYTES:,}", WAY_OUT)
        data = place.read_bytes()
    except OSError as error:
        raise FileError(place, error.strerror or str(error), WAY_OUT) from error
    try:
        examples = msgspec.json.decode(data, type=ExampleIndex).examples
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedFileError(place, str(error), WAY_OUT) from error
    if len(examples) > MAX_EXAMPLES:
        raise DamagedFileError(place, f"{len(examples)} examples, over {MAX_EXAMPLES}", WAY_OUT)
    known: set[str] = set()
    for number, example in enumerate(examples):
        where = f"$.examples[{number}]"
        if not _FILE_NAME.fullmatch(example.file):
            raise DamagedFileError(place, f"{where}.file is no name of a design", WAY_OUT)
        if not example.title.strip():
            raise DamagedFileError(place, f"{where}.title is empty", WAY_OUT)
        if example.id in known:
            raise DamagedFileError(place, f"{where}.id '{example.id}' comes twice", WAY_OUT)
        known.add(example.id)
    return examples
