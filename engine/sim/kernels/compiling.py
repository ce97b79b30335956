"""How kernels are compiled: once, kept on disk, without the interpreter's lock.

`kernel` functions are called from Python. `inner` ones only by kernels: they go without the
wrappers that unpack Python arguments, which were half of the compile time of the event loop.
Division follows the processor (infinity, not an exception), so nothing is raised in a kernel.

`bare_kernel`, `bare` and `inlined` ones count no references to their arrays: to count them at a
call with a tuple of twenty arrays took longer than the work of most functions (the network ran ten
times as long). They may not make arrays nor copy slices. `inlined` ones are put into their caller.
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

_BARE: dict[str, Any] = {"_nrt": False}

kernel = njit(cache=True, nogil=True, error_model="numpy")
inner = njit(cache=True, nogil=True, error_model="numpy", **_NO_WRAPPERS)
bare_kernel = njit(cache=True, nogil=True, error_model="numpy", **_BARE)
bare = njit(cache=True, nogil=True, error_model="numpy", **_BARE, **_NO_WRAPPERS)
inlined = njit(
    cache=True, nogil=True, error_model="numpy", forceinline=True, **_BARE, **_NO_WRAPPERS
)
