"""What every test gets: a scratch home, no noise, no thread left behind."""

import gc
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from app.main import forget_clipboard
from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_FONT_DPI", "96")


@pytest.fixture(scope="session")
def shop() -> Catalog:
    """The catalogue that the program ships."""
    return load_catalog()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Fails a test that leaves one of the program's threads running."""
    yield
    left = [
        t.name for t in threading.enumerate() if t.name.startswith("rackflow") and t.is_alive()
    ]
    assert not left, f"threads still run: {left}"


@pytest.fixture(autouse=True)
def own_settings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings, caches and logs of the user are out of reach."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))


@pytest.fixture(scope="session", autouse=True)
def garbage_is_collected_at_the_end() -> Iterator[None]:
    """Objects with finalisers die here, not in the interpreter's last moments."""
    yield
    gc.collect()


def pytest_sessionfinish() -> None:
    """What tests copied is given back while Python still runs."""
    if "PySide6.QtGui" in sys.modules:
        forget_clipboard()
