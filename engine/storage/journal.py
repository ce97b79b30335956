"""The journal of an open design: every change as one line, so that a crash loses one at most.

A journal is two files in a folder of the program's own: `<id>-<n>.base`, the design as it was opened or
saved last, and `<id>-<n>.journal`, a head line and then a line for each change, undone ones included
(their inverses). A line is its CRC-32, a space and JSON. What the system has taken survives the process;
a torn last line is left out. One that begins anew has the next number: the one before goes only when it
is whole, so that there is a readable pair at any moment.
"""

import contextlib
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.errors import DamagedFileError, EngineError, FileError, TooLargeError
from engine.scenario.design import SECTIONS, Deployment, Design, Note, SavedView, Tenant
from engine.scenario.editor import DesignEditor
from engine.storage.atomic import write_atomic
from engine.storage.project_file import decode_design, encode_design
from engine.topology.changes import Batch, Change, SetSection

VERSION = 1
ENDING, BASE_ENDING, PICTURE_ENDING = ".journal", ".base", ".png"
MAX_BYTES = 256_000_000
MOST_CHANGES = 1_000_000
TURN_BYTES = 32_000_000  # a longer journal begins again with the design as its base
_ROWS: dict[str, Any] = {
    "pools": tuple[Deployment, ...],
    "tenants": tuple[Tenant, ...],
    "llms": tuple[LlmSpec, ...],
    "devices": tuple[DeviceSpec, ...],
    "views": tuple[SavedView, ...],
    "notes": tuple[Note, ...],
}


class JournalHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal says of its design: name, its file ('' for none), when it began."""

    version: int = VERSION
    name: str = ""
    path: str = ""
    began_s: float = 0.0  # seconds since 1970
    dirty: bool = False  # no file holds the base either
    catalogue_version: str = ""


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """A journal as read."""

    head: JournalHead
    changes: tuple[Change, ...]
    lost: int  # lines at the end that were torn or damaged


class JournalWriter:
    """Writes one journal; every line has reached the system when `add` returns."""

    def __init__(self, folder: Path, name: str) -> None:
        """Opens nothing yet; `begin` does."""
        self._folder, self._name = folder, name
        self._file: BinaryIO | None = None
        self._size = 0
        self._turn = 0

    @property
    def path(self) -> Path:
        """The file of changes."""
        return self._folder / f"{self._name}-{self._turn}{ENDING}"

    @property
    def base_path(self) -> Path:
        """The file of the design before them."""
        return self.path.with_suffix(BASE_ENDING)

    @property
    def is_long(self) -> bool:
        """It is time to begin again."""
        return self._size > TURN_BYTES

    def begin(self, head: JournalHead, base: bytes) -> None:
        """Starts anew with a base; the journal before is removed when the new one is whole.

        Raises:
            FileError: the folder cannot be written; nothing is journaled then.
        """
        self.leave()
        old = self.path
        self._turn, self._size = self._turn + 1, 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomic(self.base_path, base)
            self._file = self.path.open("wb")
            self._write(msgspec.json.encode(head))
        except OSError as error:
            raise FileError(self.path, error.strerror or str(error), "check the folder") from error
        remove_journal(old)

    def add(self, change: Change) -> None:
        """Writes a change.

        Raises:
            FileError: it cannot be written.
        """
        if self._file is None:
            return
        try:
            self._write(msgspec.json.encode(change))
        except (OSError, ValueError) as error:
            raise FileError(self.path, str(error), "save the design") from error

    def handle(self) -> int | None:
        """A copy of the file's handle, for somebody else to sync and to close; None without one."""
        return None if self._file is None else os.dup(self._file.fileno())

    def end(self) -> None:
        """Removes the journal: nothing of it is needed any more."""
        self.leave()
        remove_journal(self.path)

    def leave(self) -> None:
        """Closes the file and keeps it, as a crash would."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, text: bytes) -> None:
        assert self._file is not None
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        self._file.write(line)
        self._file.flush()
        self._size += len(line)


def remove_journal(path: Path) -> None:
    """Removes a journal with its base and its picture."""
    for ending in (ENDING, BASE_ENDING, PICTURE_ENDING):
        with contextlib.suppress(OSError):
            path.with_suffix(ending).unlink(missing_ok=True)


def read_journal(path: Path) -> Journal:
    """The changes of a journal up to its first damaged line.

    Raises:
        FileError: it cannot be read, is too large, or its head is damaged.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TooLargeError(path, f"is over {MAX_BYTES:,} bytes", "delete it")
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise FileError(path, error.strerror or str(error), "check the folder") from error
    texts = list(_whole(lines[:-1]))
    try:
        head = msgspec.json.decode(texts[0], type=JournalHead) if texts else None
    except msgspec.DecodeError as error:
        raise DamagedFileError(path, f"line 1: {error}", "delete it") from error
    if head is None or head.version != VERSION:
        raise DamagedFileError(path, "it has no head of this version", "delete it")
    changes: list[Change] = []
    for text in texts[1 : MOST_CHANGES + 1]:
        try:
            changes.append(_decoded(text))
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError, RecursionError):
            break
    total = sum(1 for line in lines if line) - 1
    return Journal(head=head, changes=tuple(changes), lost=total - len(changes))


def replay(base: Path, changes: Sequence[Change], catalog: Catalog) -> tuple[Design, int]:
    """The design after all changes, and how many of them could not be done.

    Raises:
        FileError: the base cannot be read.
    """
    try:
        data = base.read_bytes()
    except OSError as error:
        raise FileError(base, error.strerror or str(error), "delete the journal") from error
    editor = DesignEditor(decode_design(data, base).design, catalog)
    for done, change in enumerate(changes):
        try:
            editor.apply(change)
        except EngineError:
            return editor.snapshot(), len(changes) - done
    return editor.snapshot(), 0


def base_of(design: Design, catalog: Catalog) -> bytes:
    """The bytes of a base."""
    return encode_design(design, catalog)


def _whole(lines: Sequence[bytes]) -> Iterator[bytes]:
    """The JSON of lines until the first one whose sum is wrong."""
    for line in lines:
        try:
            expected = int(line[:8], 16)
        except ValueError:
            return
        text = line[9:]
        if line[8:9] != b" " or zlib.crc32(text) != expected:
            return
        yield text


def _decoded(text: bytes) -> Change:
    return _rebuilt(msgspec.json.decode(text, type=Change))


def _rebuilt(change: Change) -> Change:
    """The change with the values of its sections as records again."""
    if isinstance(change, Batch):
        return Batch(tuple(_rebuilt(part) for part in change.changes))
    if isinstance(change, SetSection):
        kind = _ROWS.get(change.section) or SECTIONS[change.section]
        return SetSection(change.section, msgspec.convert(change.value, kind))
    return change
