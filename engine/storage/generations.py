"""Earlier versions of saved files: the last three, kept in a folder of the program's own."""

import contextlib
import hashlib
import shutil
import time
from pathlib import Path
from typing import NamedTuple

from engine.storage.project_file import FORMAT

KEPT = 3
MOST_BYTES = 100_000_000  # of one version; a larger one is not kept
ENDING = f".{FORMAT}"


class Generation(NamedTuple):
    """One earlier version of a file."""

    path: Path
    saved_s: float  # seconds since 1970, when it was saved
    size: int  # bytes


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content; '' where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def keep_generation(path: Path, root: Path) -> None:
    """Copies a file that is about to be replaced; the oldest copy beyond three goes.

    A failure keeps nothing and stops nothing: the save itself is what matters.
    """
    with contextlib.suppress(OSError):
        status = path.stat()
        if status.st_size > MOST_BYTES:
            return
        known = generations(path, root)
        if known and content_hash(known[0].path) == content_hash(path):
            return
        folder = _folder(path, root)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{time.time_ns():020d}{ENDING}"
        partly = target.with_suffix(".part")
        shutil.copyfile(path, partly)
        partly.replace(target)
        for old in generations(path, root)[KEPT:]:
            old.path.unlink(missing_ok=True)


def generations(path: Path, root: Path) -> list[Generation]:
    """The earlier versions of a file, the newest first."""
    found: list[Generation] = []
    with contextlib.suppress(OSError):
        copies = [c for c in _folder(path, root).glob(f"*{ENDING}") if c.stem.isdecimal()]
        found = [Generation(c, int(c.stem) / 1e9, c.stat().st_size) for c in copies]
    return sorted(found, key=lambda one: -one.saved_s)


def _folder(path: Path, root: Path) -> Path:
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]
    return root / name
