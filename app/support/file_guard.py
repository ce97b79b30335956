"""Who works on a file, and whether another program has changed it meanwhile."""

from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QFileInfo, QLockFile

from engine.storage.generations import content_hash

LOCK_ENDING = ".lock"


class Holder(NamedTuple):
    """Who has a file open."""

    user: str
    host: str
    process: int

    def text(self) -> str:
        """In words: 'ana on ws-12 (process 4711)'."""
        who = self.user or "?"
        return f"{who} on {self.host} (process {self.process})"


class FileGuard:
    """Holds the lock of the open file and knows what its content was."""

    def __init__(self) -> None:
        self._lock: QLockFile | None = None
        self._reserved: tuple[Path, QLockFile] | None = None
        self._path: Path | None = None
        self._hash = ""

    def reserve(self, path: Path) -> Holder | None:
        """Locks a file beside the open one; says who holds it if another process does.

        Where the folder cannot be written there is no lock, and nobody in the way. The lock of a
        process that has died is taken over.
        """
        path = path.resolve()
        if self._lock is not None and path == self._path:
            return None
        lock = QLockFile(str(lock_path(path)))
        lock.setStaleLockTime(0)
        self.cancel()
        if lock.tryLock(0):
            self._reserved = (path, lock)
        elif lock.error() is QLockFile.LockError.LockFailedError:
            return _holder(lock, path)
        return None

    def cancel(self) -> None:
        """Gives a reserved lock back."""
        if self._reserved is not None:
            self._reserved[1].unlock()
            self._reserved = None

    def take(self, path: Path) -> None:
        """The file is the open one now: its lock stays, its content is the one that is known."""
        path = path.resolve()
        if self._lock is None or path != self._path:
            if self._reserved is None or self._reserved[0] != path:
                self.reserve(path)
            self.release()
            if self._reserved is not None:
                self._path, self._lock = self._reserved
                self._reserved = None
        self._hash = content_hash(path)

    def release(self) -> None:
        """No file is open any more."""
        if self._lock is not None:
            self._lock.unlock()
        self._lock, self._path, self._hash = None, None, ""

    def has_changed(self, path: Path) -> bool:
        """Another program has changed the file since it was read or saved; a missing one has not."""
        now = content_hash(path)
        return bool(self._hash) and bool(now) and now != self._hash


def lock_path(path: Path) -> Path:
    """The lock file of a design: hidden, beside it."""
    return path.with_name(f".{path.name}{LOCK_ENDING}")


def _holder(lock: QLockFile, path: Path) -> Holder:
    """Who the lock file names; the user is the one who owns it."""
    process, host = 0, "?"
    answer: object = lock.getLockInfo()
    if isinstance(answer, tuple) and len(answer) == 3:  # not while it is being written
        process, host = int(answer[0]), str(answer[1])
    return Holder(QFileInfo(str(lock_path(path))).owner(), host, process)
