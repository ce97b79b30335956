"""What the house promises: fences, caches, sizes, and nothing of any one machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("app/**/*.py")])


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_the_whole_engine_loads_without_any_gui_toolkit() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in SOURCES
        if path.parts[-2] != "__pycache__" and path.relative_to(ROOT).parts[0] == "engine"
    ]
    modules = [n.removesuffix(".__init__") for n in names if not n.endswith("__main__")]
    done = run(
        f"import importlib, sys\nfor name in {modules!r}:\n    importlib.import_module(name)\n"
        "bad = {m.split('.')[0] for m in sys.modules} & {'PySide6', 'shiboken6', 'pyqtgraph', 'app'}\n"
        "assert not bad, bad\n"
    )
    assert done.returncode == 0, done.stderr


def test_void_calls_of_pyside_do_not_eat_references_to_none() -> None:
    """PySide6 6.12.0 on Python 3.11 drops one a call and aborts after some thousands."""
    done = run(
        "import sys\nfrom PySide6.QtCore import QObject\no = QObject()\n"
        "before = sys.getrefcount(None)\n"
        "for _ in range(10_000):\n    o.setObjectName('x')\n"
        "drift = abs(sys.getrefcount(None) - before)\nassert drift < 50, drift\n"
    )
    assert done.returncode == 0, done.stderr


def test_kernels_are_compiled_once_and_kept(tmp_path: Path) -> None:
    """A second process compiles nothing: every kernel of a run and of the canvas is on disk."""
    code = (
        "import sys\n"
        "from numba.core import event\n"
        "recorder = event.RecordingListener()\n"
        "event.register('numba:compile', recorder)\n"
        "import numpy as np\n"
        "from engine.sim.flows import simulate_flows\n"
        "from app.canvas.raster.kernels import fill_rects\n"
        "one = np.ones(1)\n"
        "simulate_flows(one, np.array([0, 1]), np.zeros(1, np.int32), np.zeros(1), one)\n"
        "pixels = np.zeros((4, 4), np.uint32)\n"
        "fill_rects(pixels, np.zeros((1, 4)), np.zeros(1, np.uint32), 1.0, 0.0, 0.0, 0.0)\n"
        "print(len(recorder.buffer) // 2)\n"
    )
    first = run(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert int(first.stdout) > 0
    folders = {path.name.split("-")[0] for path in (tmp_path / "kernels").iterdir()}
    assert folders == {"engine", "raster"}
    second = run(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert second.returncode == 0, second.stderr
    assert int(second.stdout) == 0


def test_a_change_of_a_kernels_source_moves_its_cache(tmp_path: Path) -> None:
    source = tmp_path / "a.py"
    code = (
        "import sys\nfrom pathlib import Path\nfrom engine.kernel_cache import keep_kernels_of\n"
        "print(keep_kernels_of('x', [Path(sys.argv[1])]).name)\n"
    )
    seen = set()
    for text in ("one", "two", "one"):
        source.write_text(text)
        done = subprocess.run(
            [sys.executable, "-c", code, str(source)], capture_output=True, text=True, check=True,
            cwd=ROOT, env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        )  # fmt: skip
        seen.add(done.stdout)
    assert len(seen) == 2


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_within_one_idea(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    assert text.lstrip().startswith('"""')


def test_nothing_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    words = [
        "/ro" + "ot/",
        "../sha" + "red",
        ".lib" + "rary/",
        "pypi." + "org",
        "pythonho" + "sted",
    ]
    pattern = re.compile("|".join(map(re.escape, words)))
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in (".png", ".ico") or not path.is_file():
            continue
        assert not pattern.search(path.read_text(encoding="utf-8", errors="replace")), name


def test_the_top_level_is_what_the_project_promises() -> None:
    folders = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")}
    assert folders - {"out", "build", "dist"} == {
        "app",
        "engine",
        "resources",
        "tests",
        "packaging",
    }
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "ARCHITECTURE.md", "Makefile",
                 "requirements.lock", "pyproject.toml"):  # fmt: skip
        assert (ROOT / name).stat().st_size > 0, name
