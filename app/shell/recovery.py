"""Nothing is lost by a crash: the open design's journal, and what crashed programs have left."""

import contextlib
import os
import threading
import time
import uuid
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from app.document import Document
from engine.catalog.catalog import Catalog
from engine.errors import EngineError, FileError
from engine.scenario.design import Design
from engine.storage.journal import (
    BASE_ENDING,
    ENDING,
    JournalHead,
    JournalWriter,
    base_of,
    read_journal,
    remove_journal,
    replay,
)
from engine.topology.changes import Change

SYNC_MS = 3000  # after an edit it is made durable against a loss of power
MOST_LISTED = 50


class Crashed(NamedTuple):
    """A design that a program which is gone has left unsaved."""

    journal: Path
    head: JournalHead
    changes: tuple[Change, ...]
    lost: int  # damaged lines
    edited_s: float  # seconds since 1970

    @property
    def base(self) -> Path:
        """The design before its edits."""
        return self.journal.with_suffix(BASE_ENDING)


class JournalKeeper(QObject):
    """Writes every edit of a document into a journal of its own, until a clean save or end."""

    failed = Signal(str)

    def __init__(self, document: Document, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._folder = document, folder
        self._name = uuid.uuid4().hex
        self._writer = JournalWriter(folder, self._name)
        self._lock: QLockFile | None = None
        self._told = False
        self._syncing: threading.Thread | None = None
        self._sync_timer = QTimer(self)
        self._sync_timer.setSingleShot(True)
        self._sync_timer.setInterval(SYNC_MS)
        self._sync_timer.timeout.connect(self._sync)
        document.changed.connect(self._on_changed)
        document.replaced.connect(self.begin)
        document.saved.connect(self.begin)

    @property
    def path(self) -> Path:
        """The journal's file."""
        return self._writer.path

    def begin(self) -> None:
        """Begins anew with the design as it is."""
        document = self._document
        if document.read_only:
            self._writer.end()
            return
        design = document.design()
        head = JournalHead(
            name=design.name,
            path=str(document.path or ""),
            began_s=time.time(),
            dirty=document.is_dirty,
            catalogue_version=document.catalog.version,
        )
        try:
            self._hold()
            self._writer.begin(head, base_of(design, document.catalog))
        except (FileError, ValueError) as error:
            self._tell(str(error))

    def end(self) -> None:
        """The design is saved or was given up: nothing is kept."""
        self._sync_timer.stop()
        self._join()
        self._writer.end()
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def leave(self) -> None:
        """Closes the journal and keeps it, as a crash does."""
        self._sync_timer.stop()
        self._join()
        self._writer.leave()
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def _hold(self) -> None:
        """Locks the journal for as long as this process lives."""
        if self._lock is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = _lock_of(self._folder, self._name)
            self._lock.tryLock(0)

    def _on_changed(self, change: Change) -> None:
        try:
            self._writer.add(change)
        except FileError as error:
            self._tell(str(error))
            return
        self._sync_timer.start()
        if self._writer.is_long:
            self.begin()

    def _sync(self) -> None:
        """A copy of the file's handle is synced in a thread: a disk may take its time."""
        handle = self._writer.handle()
        if handle is not None:
            self._join()
            self._syncing = threading.Thread(
                target=_sync_and_close, args=(handle,), name="rackflow-journal", daemon=True
            )
            self._syncing.start()

    def _join(self) -> None:
        if self._syncing is not None:
            self._syncing.join()
            self._syncing = None

    def _tell(self, text: str) -> None:
        if not self._told:
            self._told = True
            self.failed.emit(text)


def crashed(folder: Path) -> list[Crashed]:
    """The unsaved designs of programs that are gone, the newest first.

    Of one program's journals the last that can be read counts. Journals without an edit, and those that
    cannot be read at all, are removed.
    """
    owners: dict[str, list[Path]] = {}
    with contextlib.suppress(OSError):
        for path in folder.glob(f"*{ENDING}"):
            name, _, turn = path.stem.rpartition("-")
            if name and turn.isdecimal():
                owners.setdefault(name, []).append(path)
    found = []
    for name, paths in owners.items():
        lock = _lock_of(folder, name)
        if not lock.tryLock(0):
            continue
        lock.unlock()
        paths.sort(key=lambda path: -int(path.stem.rpartition("-")[2]))
        one = next((read for path in paths if (read := _read(path)) is not None), None)
        if one is not None and (one.changes or one.head.dirty):
            found.append(one)
        for path in paths:
            if one is None or path != one.journal or one not in found:
                remove_journal(path)
    return sorted(found, key=lambda one: -one.edited_s)[:MOST_LISTED]


def restored(one: Crashed, catalog: Catalog) -> tuple[Design, int]:
    """The design of a journal, and the edits that could not be done again.

    Raises:
        FileError: its base cannot be read.
    """
    design, failed = replay(one.base, one.changes, catalog)
    return design, failed + one.lost


def _read(path: Path) -> Crashed | None:
    try:
        journal = read_journal(path)
    except EngineError:
        return None
    return Crashed(path, journal.head, journal.changes, journal.lost, _changed_s(path))


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _lock_of(folder: Path, name: str) -> QLockFile:
    lock = QLockFile(str(folder / f"{name}.lock"))
    lock.setStaleLockTime(0)
    return lock


def _sync_and_close(handle: int) -> None:
    with contextlib.suppress(OSError):
        os.fsync(handle)
    with contextlib.suppress(OSError):
        os.close(handle)
