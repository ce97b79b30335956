"""Where compiled kernels are kept: one folder for each state of their sources.

numba notices an edit in a kernel's own file but not in the files it calls or whose tables it
reads, and then runs stale code or fails while it loads. So the folder is named by a hash of all
of them, and old folders are thrown away.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numba
import platformdirs
from numba.core import event

KEPT_FOLDERS = 6


def keep_kernels_of(name: str, sources: Iterable[Path]) -> Path:
    """Makes kernels that are decorated from now on keep their machine code; returns the folder.

    Args:
        name: of the group of kernels, a word.
        sources: files whose text decides whether the code is still right.

    `NUMBA_CACHE_DIR` moves the folder; where nothing can be written, numba decides.
    """
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.read_bytes())
    base = os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("rackflow", False)
    parent = Path(base) / "kernels"
    folder = parent / f"{name}-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:
        return folder
    _prune(parent, name)
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    return folder


class _Listener(event.Listener):
    """Counts compilations that end."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._done = 0

    def on_start(self, happening: event.Event) -> None:
        """A compilation begins: nothing is done yet."""

    def on_end(self, happening: event.Event) -> None:
        """A compilation ended."""
        self._done += 1
        self._tell(self._done)


@contextmanager
def watched_compilation(tell: Callable[[int], None]) -> Iterator[None]:
    """Tells after each kernel that is compiled inside how many there were; none when all are kept.

    `tell` is called in the compiling thread.
    """
    listener = _Listener(tell)
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        event.unregister("numba:compile", listener)  # type: ignore[no-untyped-call]


def _prune(parent: Path, name: str) -> None:
    """Removes all but the last used folders of a group."""
    with suppress(OSError):
        folders = sorted(parent.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)
        for old in folders[:-KEPT_FOLDERS]:
            shutil.rmtree(old, ignore_errors=True)
