"""Measured timings of operators, read from tables, as ideal work and seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.cost import operators
from engine.cost.curves import Work
from engine.cost.formats import chip_rates, number_format
from engine.cost.operators import ChipRates, NumberFormat
from engine.errors import CatalogError

F8 = NDArray[np.float64]
Table = dict[str, NDArray[Any]]

SYSTEMS = {  # name in the files: device of the catalogue
    "a100_sxm": "nvidia-a100-sxm-80g",
    "l40s": "nvidia-l40s",
    "h100_sxm": "nvidia-h100",
    "h200_sxm": "nvidia-h200",
    "b200_sxm": "nvidia-b200",
    "b300_sxm": "nvidia-b300",
    "gb200": "nvidia-gb200",
}
GEMM_FORMATS = {"bfloat16": "bf16", "fp8": "fp8", "nvfp4": "nvfp4"}
MOE_FORMATS = {
    "bfloat16": "bf16",
    "fp8_block": "fp8",
    "nvfp4": "nvfp4",
    "w4a16_mxfp4": "w4a16",
    "int4_wo": "int4",
    "w4a8_mxfp4_mxfp8": "w4a8",
}
KV_FORMATS = {"bfloat16": "bf16", "fp8": "fp8"}
SMALLEST_SIDE = 128  # of a GEMM: narrower ones occur in no layer


class Samples(NamedTuple):
    """Timings of one operator in one format on one system."""

    operator: str
    format: str
    work: Work
    measured_s: F8  # [rows]
    group: NDArray[np.str_]  # [rows] shape that is held out as a whole


def read_table(folder: Path, system: str, table: str) -> Table:
    """Columns of `<system>.<op>.<table>.<framework>.parquet`, empty where there is none.

    Raises:
        CatalogError: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise CatalogError(
            "operator timings", "need pyarrow to be read", "pip install 'rackflow[calibrate]'"
        ) from error
    found = sorted(folder.glob(f"{system}.*.{table}.*.parquet"))
    if not found:
        return {}
    read = parquet.read_table(found[0]).to_pydict()
    return {name: np.asarray(values) for name, values in read.items()}


def samples_of(folder: Path, system: str, catalog: Catalog) -> list[Samples]:
    """All timings of a system."""
    device = catalog.device(SYSTEMS[system])
    chip = chip_rates(device)

    def form(name: str) -> NumberFormat:
        return number_format(device, name)

    rows: list[Samples] = []
    readers: tuple[Callable[[], list[Samples]], ...] = (
        lambda: _gemm(read_table(folder, system, "gemm"), chip, form),
        lambda: _decode(read_table(folder, system, "generation_attention"), chip),
        lambda: _prefill(read_table(folder, system, "context_attention"), chip),
        lambda: _mla(read_table(folder, system, "generation_mla"), chip, decode=True),
        lambda: _mla(read_table(folder, system, "context_mla"), chip, decode=False),
        lambda: _moe(read_table(folder, system, "moe"), chip, form),
        lambda: _delta(read_table(folder, system, "gdn"), chip),
    )
    for read in readers:
        rows += [part for part in read() if len(part.measured_s)]
    return rows


def _least(table: Table, keys: tuple[str, ...]) -> Table:
    """One row for each shape: the fastest of the kernels that were measured."""
    columns = [table[key] for key in keys]
    order = np.lexsort((table["latency"], *columns[::-1]))
    columns = [column[order] for column in columns]
    latency = table["latency"][order]
    new = np.ones(len(latency), bool)
    if len(latency) > 1:
        same = [column[1:] == column[:-1] for column in columns]
        new[1:] = ~np.logical_and.reduce(same)
    kept = {key: column[new] for key, column in zip(keys, columns, strict=True)}
    return {**kept, "latency": latency[new]}


def _chosen(table: Table, mask: NDArray[np.bool_]) -> Table:
    return {name: values[mask] for name, values in table.items()}


def _names(table: Table, *keys: str) -> NDArray[np.str_]:
    parts = [table[key].astype(str) for key in keys]
    return np.array(["_".join(row) for row in zip(*parts, strict=True)], dtype=np.str_)


def _reals(table: Table, *keys: str) -> list[F8]:
    return [table[key].astype(np.float64) for key in keys]


def _gemm(table: Table, chip: ChipRates, form: Callable[[str], NumberFormat]) -> list[Samples]:
    rows = []
    for stored, name in GEMM_FORMATS.items() if table else ():
        part = _least(_chosen(table, table["gemm_dtype"] == stored), ("m", "n", "k"))
        part = _chosen(part, (part["n"] >= SMALLEST_SIDE) & (part["k"] >= SMALLEST_SIDE))
        m, n, k = _reals(part, "m", "n", "k")
        work = operators.gemm(m, n, k, form(name), chip)
        rows.append(Samples("gemm", name, work, part["latency"] * 1e-3, _names(part, "n", "k")))
    return rows


def _window(table: Table) -> F8:
    none = np.zeros(len(table["latency"]))
    return table["window_size"].astype(np.float64) if "window_size" in table else none


def _decode(table: Table, chip: ChipRates) -> list[Samples]:
    rows = []
    for stored, name in KV_FORMATS.items() if table else ():
        part = _chosen(table, table["kv_cache_dtype"] == stored)
        b, h, g, d, isl, step = _reals(
            part, "batch_size", "num_heads", "num_key_value_heads", "head_dim", "isl", "step"
        )
        kv = 1.0 if name == "fp8" else 2.0
        window = _window(part)
        work = operators.decode_attention(
            b, isl + step, heads=h, kv_heads=g, head_dim=d,
            kv_bytes=kv, window=window, chip=chip,
        )  # fmt: skip
        group = _names(part, "num_heads", "num_key_value_heads", "batch_size")
        rows.append(Samples("decode", name, work, part["latency"] * 1e-3, group))
    return rows


def _prefill(table: Table, chip: ChipRates) -> list[Samples]:
    rows = []
    for stored, name in KV_FORMATS.items() if table else ():
        part = _chosen(table, table["kv_cache_dtype"] == stored)
        b, n, h, g, d = _reals(
            part, "batch_size", "isl", "num_heads", "num_key_value_heads", "head_dim"
        )
        window = _window(part)
        work = operators.prefill_attention(
            b, n, heads=h, kv_heads=g, head_dim=d, window=window, chip=chip
        )  # fmt: skip
        group = _names(part, "num_heads", "num_key_value_heads", "batch_size")
        rows.append(Samples("prefill", name, work, part["latency"] * 1e-3, group))
    return rows


def _mla(table: Table, chip: ChipRates, *, decode: bool) -> list[Samples]:
    rows = []
    for stored, name in KV_FORMATS.items() if table else ():
        part = _chosen(table, table["kv_cache_dtype"] == stored)
        b, h, n = _reals(part, "batch_size", "num_heads", "isl")
        if decode:
            context = n + part["step"].astype(np.float64)
            work = operators.mla_decode(
                b, context, heads=h, latent=512.0, rope=64.0,
                kv_bytes=1.0 if name == "fp8" else 2.0, chip=chip,
            )  # fmt: skip
        else:
            work = operators.mla_prefill(b, n, heads=h, qk=192.0, v=128.0, chip=chip)
        group = _names(part, "num_heads", "batch_size")
        operator = "mla_decode" if decode else "mla_prefill"
        rows.append(Samples(operator, name, work, part["latency"] * 1e-3, group))
    return rows


_SKEW = {"balanced": 0.0, "power_law_1.01": 1.01, "power_law_1.2": 1.2}


def _moe(table: Table, chip: ChipRates, form: Callable[[str], NumberFormat]) -> list[Samples]:
    rows = []
    keys = ("num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size",
            "moe_ep_size", "distribution")  # fmt: skip
    for stored, name in MOE_FORMATS.items() if table else ():
        part = _least(_chosen(table, table["moe_dtype"] == stored), keys)
        m, h, inter, k, experts, tp, ep = _reals(part, *keys[:-1])
        parts = []
        skews = np.array([_SKEW.get(str(text), np.nan) for text in part["distribution"]])
        for skew in _SKEW.values():
            mask = skews == skew
            work = operators.moe(
                m[mask], hidden=h[mask], width=(inter / tp)[mask],
                experts=experts[mask], active=k[mask], ranks=ep[mask],
                skew=skew, matrices=3.0, form=form(name), chip=chip,
            )  # fmt: skip
            group = _names(_chosen(part, mask), "hidden_size", "inter_size", "topk",
                           "moe_tp_size", "moe_ep_size")  # fmt: skip
            parts.append(Samples("moe", name, work, part["latency"][mask] * 1e-3, group))
        rows.append(joined(parts))
    return rows


def _delta(table: Table, chip: ChipRates) -> list[Samples]:
    """Both kernels of a phase together: the convolution and the delta rule."""
    rows = []
    for phase, name in (("context", "delta_prefill"), ("generation", "delta_decode")):
        if not table:
            continue
        part = _chosen(table, table["phase"] == phase)
        keys = ("batch_size", "seq_len", "num_k_heads", "num_v_heads")
        totals: dict[tuple[float, ...], dict[str, float]] = {}
        kernel = part["kernel_source"]
        for i in range(len(kernel)):
            shape = tuple(float(part[key][i]) for key in keys)
            of_shape = totals.setdefault(shape, {})
            which = "conv" if "conv1d" in str(kernel[i]) else "rule"
            of_shape[which] = min(of_shape.get(which, np.inf), float(part["latency"][i]))
        whole = [(s, sum(t.values())) for s, t in totals.items() if len(t) == 2]
        if not whole:
            continue
        b, n, kh, vh = (np.array(c) for c in zip(*(s for s, _ in whole), strict=True))
        make = operators.delta_prefill if phase == "context" else operators.delta_decode
        work = make(b * n if phase == "context" else b, k_heads=kh, v_heads=vh, head_dim=128.0,
                    chip=chip)  # fmt: skip
        group = np.array([f"{x:g}_{y:g}_{z:g}" for x, y, z in zip(b, kh, vh, strict=True)])
        rows.append(Samples(name, "bf16", work, np.array([t for _, t in whole]) * 1e-3, group))
    return rows


def joined(parts: list[Samples]) -> Samples:
    """Samples of the same operator and format together."""
    works = [part.work for part in parts]
    return Samples(
        parts[0].operator,
        parts[0].format,
        Work(*(np.concatenate(list(column)) for column in zip(*works, strict=True))),
        np.concatenate([part.measured_s for part in parts]),
        np.concatenate([part.group for part in parts]),
    )
