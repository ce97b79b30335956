"""How kernels are compiled: once, kept on disk, without the interpreter's lock.

`kernel` functions are called from Python. `inner` ones only by kernels: they go without the
wrappers that unpack Python arguments, which were half of the compile time of the event loop.
Division follows the processor (infinity, not an exception), so nothing is raised in a kernel.
"""

from pathlib import Path
from typing import Any

from numba import njit

from engine.kernel_cache import keep_kernels_of

_HERE = Path(__file__).parent
keep_kernels_of(
    "engine",
    [*_HERE.glob("*.py"), *(_HERE.parent / f"{n}.py" for n in ("codes", "tables", "state"))],
)

_NO_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

kernel = njit(cache=True, nogil=True, error_model="numpy")
inner = njit(cache=True, nogil=True, error_model="numpy", **_NO_WRAPPERS)
