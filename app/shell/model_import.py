"""Import of a model's config.json into the design, with the questions and errors it needs."""

from pathlib import Path

from PySide6.QtCore import QObject

from app.document import Document
from app.support.notifications import Notifications
from engine.catalog.llms import LlmSpec
from engine.errors import EngineError, UnknownArchitectureError
from engine.report.model import model_sentences
from engine.scenario.own_models import with_own_model
from engine.storage.llm_config import read_llm_config
from engine.topology.changes import SetSection


class ModelImport(QObject):
    """Adds own models to a document: one edit each; a failure changes nothing and says why."""

    def __init__(self, document: Document, notifications: Notifications) -> None:
        super().__init__()
        self._document = document
        self._notifications = notifications
        self._folder: Path | None = None

    def ask(self) -> bool:
        """Asks for a config.json and imports it. True if the design has the model."""
        folder = self._folder or self._notifications.home()
        path = self._notifications.ask_model_path(folder)
        return path is not None and self.import_path(path)

    def import_path(self, path: Path) -> bool:
        """Imports a config.json or the one of a folder. True if the design has the model."""
        self._folder = path.parent
        llm = self._read(path)
        if llm is None:
            return False
        before = self._document.design().llms
        llms, added = with_own_model(before, llm)
        if llms != before:
            text = self.tr("Import {0}").format(added.name)
            verdict = self._document.perform(text, SetSection("llms", llms))
            if not verdict.ok:
                self._notifications.error(self._failed(), verdict.reason)
                return False
        title = self.tr("{0} is in the design; choose it as the deployment's model")
        self._notifications.tell(title.format(added.name), "\n".join(model_sentences(added)))
        return True

    def _read(self, path: Path) -> LlmSpec | None:
        try:
            return read_llm_config(path)
        except UnknownArchitectureError as error:
            return self._read_generic(path, error)
        except EngineError as error:
            self._notifications.error(self._failed(), str(error))
            return None

    def _read_generic(self, path: Path, error: UnknownArchitectureError) -> LlmSpec | None:
        """The generic reading of an unknown architecture, where the user wants it."""
        try:
            llm = read_llm_config(path, generic=True)
        except EngineError:  # what the generic reading lacks is in the first error
            self._notifications.error(self._failed(), str(error))
            return None
        text = self.tr(
            "{0} It can be read as a plain transformer: full attention in every layer, gated "
            "feed-forward, experts where it names them. Its figures are right only if it is one."
        )
        title = self.tr("The architecture of this model is not known")
        wanted = self._notifications.ask_yes(
            title, text.format(f"{path}: {error.reason}."), self.tr("Read as plain transformer")
        )
        return llm if wanted else None

    def _failed(self) -> str:
        return self.tr("The model could not be imported")
