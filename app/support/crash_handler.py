"""Where defects end: exceptions of any thread and Qt's own messages go to a log file."""

import faulthandler
import logging
import logging.handlers
import sys
import threading
from pathlib import Path
from types import TracebackType

import platformdirs
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_LOG = logging.getLogger("rackflow")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
MAX_LOG_BYTES = 1_000_000


def log_path() -> Path:
    """The log file of this user."""
    return Path(platformdirs.user_log_dir("rackflow", appauthor=False)) / "rackflow.log"


def install(path: Path | None = None) -> Path | None:
    """Sends uncaught exceptions and Qt messages to a log file; returns it (None: not writable)."""
    target: Path | None = path or log_path()
    handler: logging.Handler = logging.StreamHandler()
    try:
        assert target is not None
        target.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            target, maxBytes=MAX_LOG_BYTES, backupCount=2, encoding="utf-8", delay=False
        )
    except OSError:
        target = None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _LOG.handlers[:] = [handler]
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False
    if sys.stderr is not None and not faulthandler.is_enabled():
        faulthandler.enable()
    sys.excepthook = log_exception
    threading.excepthook = _log_thread_exception
    qInstallMessageHandler(_log_qt_message)
    return target


def log_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Writes an uncaught exception to the log and to standard error."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _LOG.critical("defect: %s", error, exc_info=(kind, error, trace))
    sys.__excepthook__(kind, error, trace)


def _log_thread_exception(hook: threading.ExceptHookArgs) -> None:
    if hook.exc_value is not None:
        log_exception(hook.exc_type, hook.exc_value, hook.exc_traceback)


def _log_qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    _LOG.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s", text)
