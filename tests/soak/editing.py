"""A program that edits, undoes and saves at random until it is killed; its twin knows every state.

Run as `python -m tests.soak.editing FOLDER SEED`: it prints the number of each command after it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.document import Document
from app.shell.files import FileController
from app.shell.recovery import JournalKeeper
from app.support.notifications import ChangedChoice, Notifications
from app.support.settings import Settings
from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.scenario.hashing import design_hash
from engine.storage import journal
from tests.helpers.random_edits import random_change

COMMANDS = 800
SAVE_EVERY = 12


class Quiet(Notifications):
    """Saves where it is told, overwrites what another program wrote."""

    def __init__(self, path: Path) -> None:
        super().__init__(None)
        self._path = path

    def ask_save_path(self, proposal: Path) -> Path:
        """The one file."""
        return self._path

    def ask_changed(self, name: str, *, saving: bool) -> ChangedChoice:
        """Nobody else writes here."""
        return ChangedChoice.OVERWRITE


def commands(seed: int, document: Document, files: FileController | None) -> Iterator[int]:
    """Performs commands one by one and gives their numbers; saves only with `files`."""
    rng = np.random.default_rng(seed)
    for number in range(1, COMMANDS + 1):
        what = rng.random()
        saves = number % SAVE_EVERY == 0
        if what < 0.15 and document.undo_stack.canUndo():
            document.undo_stack.undo()
        elif what < 0.2 and document.undo_stack.canRedo():
            document.undo_stack.redo()
        else:
            document.perform("edit", random_change(rng, document, number))
        yield number
        if saves and files is not None:
            files.save()


def states(seed: int, shop: Catalog) -> list[str]:
    """The hash of the design after each command, the empty one first."""
    document = Document(shop)
    return [
        design_hash(document.design()),
        *(design_hash(document.design()) for _ in commands(seed, document, None)),
    ]


def main(folder: Path, seed: int) -> None:
    """Runs until it is killed."""
    application = QCoreApplication([])
    journal.TURN_BYTES = 8000  # begins anew now and then
    document = Document(load_catalog())
    settings = Settings(folder / "settings.ini")
    files = FileController(document, settings, Quiet(folder / "design.rackflow"))
    keeper = JournalKeeper(document, settings.data_folder / "journals")
    keeper.begin()
    print("ready", flush=True)
    for number in commands(seed, document, files):
        print(number, flush=True)
        application.processEvents()
    sys.stdin.readline()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
