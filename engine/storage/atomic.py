"""Writes a file as a whole or not at all."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from engine.errors import FileError


def write_atomic(path: Path, data: bytes) -> None:
    """Replaces a file's content in one step; keeps its mode; leaves the old one on failure.

    Raises:
        FileError: the folder or the file cannot be written.
    """
    target = path.resolve() if path.is_symlink() else path
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(_mode(target))
        os.replace(temporary, target)  # noqa: PTH105 - tests replace this very call
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(
            path, f"cannot be written ({reason})", "save under another name"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _mode(path: Path) -> int:
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Makes the new name durable where the system lets a folder be synced."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
