"""The composition root: headless verbs go to the engine without Qt, the rest opens the window."""

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine import __version__ as engine_version
from engine import cli

if TYPE_CHECKING:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app.shell.demo import Demo
    from app.shell.main_window import MainWindow

HEADLESS = frozenset({*cli.VERBS, "predict", "import-model", "-h", "--help", "--version"})
DEMO = "demo"
DEMO_SIZE = (1920, 1080)
DEMO_SECONDS = 10.0
COLLECT_MS = 2000
SWITCH_S = 0.0001  # so that the window's thread waits shortly for others that run Python


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in HEADLESS:
        return cli.main(arguments)
    try:
        options = build_parser().parse_args(arguments)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else cli.USAGE
    return run_window(options)


def build_parser() -> argparse.ArgumentParser:
    """The parser of what opens the window: a file, or the demo."""
    parser = argparse.ArgumentParser(
        prog="rackflow",
        description="Designs AI inference clusters. Headless verbs: see rackflow --help.",
    )
    parser.add_argument("file", nargs="?", default="", help="a design to open, or 'demo'")
    parser.add_argument("--screenshot", type=Path, help="demo: write a picture of the window")
    parser.add_argument("--summary", type=Path, help="demo: write the run's figures as JSON")
    parser.add_argument("--seconds", type=float, help="demo: play so many seconds, then quit")
    parser.add_argument("--speed", type=float, default=1.0, help="demo: simulated s per s")
    parser.add_argument("--size", type=_size, default=DEMO_SIZE, help="demo: WIDTHxHEIGHT")
    parser.add_argument("--theme", choices=("system", "light", "dark"), help="colours")
    return parser


def run_window(options: argparse.Namespace) -> int:
    """Opens the window and runs until it is closed."""
    if not has_display():
        sys.stderr.write(
            "rackflow: there is no display. Use a headless verb (rackflow --help), or set "
            "QT_QPA_PLATFORM=offscreen.\n"
        )
        return cli.FAILED
    from app.document import Document
    from app.shell.main_window import MainWindow
    from app.support import crash_handler, theme
    from app.support.settings import Settings
    from engine.catalog.loader import load_catalog

    crash_handler.install()
    sys.setswitchinterval(SWITCH_S)
    application = make_application()
    scratch = tempfile.TemporaryDirectory(prefix="rackflow-demo-")
    with_own = options.file != DEMO  # the demo neither reads nor changes the user's settings
    settings = Settings() if with_own else Settings(Path(scratch.name) / "demo.ini")
    theme.apply(options.theme or settings.theme)
    window = MainWindow(Document(load_catalog()), settings)
    if options.file == DEMO:
        window.resize(*options.size)
    window.show()
    application.processEvents()
    window.complete()
    keep = _calm_garbage_collection(application)
    demo = _begin(window, options)
    application.exec()
    keep.stop()
    forget_clipboard()
    scratch.cleanup()
    return cli.FAILED if demo is not None and demo.failure else cli.OK


def has_display() -> bool:
    """False where Qt would find no screen and abort the process."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def make_application() -> "QApplication":
    """The one application object, with the names that the desktop shows."""
    from PySide6.QtWidgets import QApplication

    from app.support.icons import app_icon

    application = QApplication(sys.argv[:1])
    application.setStyle("Fusion")
    application.setApplicationName("rackflow")
    application.setApplicationDisplayName("Rackflow")
    application.setDesktopFileName("rackflow")
    application.setApplicationVersion(engine_version)
    application.setWindowIcon(app_icon())
    return application


def forget_clipboard() -> None:
    """Off screen, Qt would free what was copied after Python has ended, and crash."""
    from PySide6.QtGui import QGuiApplication

    if QGuiApplication.instance() is not None and QGuiApplication.platformName() == "offscreen":
        QGuiApplication.clipboard().clear()


def _begin(window: "MainWindow", options: argparse.Namespace) -> "Demo | None":
    """Opens what the command line names."""
    if options.file == DEMO:
        from app.shell.demo import Demo

        demo = Demo(
            window,
            seconds=_demo_seconds(options),
            screenshot=options.screenshot,
            summary=options.summary,
            speed=options.speed,
        )
        demo.start()
        return demo
    if options.file:
        window.files.open_path(Path(options.file))
    else:
        window.welcome.show_at_start()
    window.recovery.offer()
    return None


def _demo_seconds(options: argparse.Namespace) -> float | None:
    if options.seconds is None and (options.screenshot or options.summary):
        return DEMO_SECONDS
    seconds: float | None = options.seconds
    return seconds


def _calm_garbage_collection(application: "QApplication") -> "QTimer":
    """Collects cyclic garbage from a timer of the window's thread only.

    A collection in the run's thread could destroy Qt objects there, and a full one takes long.
    """
    from PySide6.QtCore import QTimer

    gc.collect()
    gc.freeze()
    gc.disable()
    timer = QTimer(application)
    timer.setInterval(COLLECT_MS)
    timer.timeout.connect(_collect)
    timer.start()
    return timer


def _collect() -> None:
    gc.collect(1)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    size = int(width), int(height)
    if not all(200 <= side <= 8000 for side in size):
        raise ValueError(text)
    return size


if __name__ == "__main__":
    sys.exit(main())
