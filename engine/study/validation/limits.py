"""What the numbers do not stand on: chips, operations and behaviours without measurements."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.cost.collectives import chip_fabric, collective_s, load_collective_parameters
from engine.cost.efficiency import CLASS, SystemFile
from engine.study.validation.compare import Comparison
from engine.study.validation.scores import score
from engine.study.validation.table import Tables

FAR_CHIP = "nvidia-gb200"
FAR_RANKS = 72
HOPPERS = ("nvidia-h100", "nvidia-h20")
# published bus bandwidths of an all-reduce over 72 chips of one domain
FAR_KNOWN = ((2**30, "1 GiB", "681 to 724"), (2**33, "8 GiB", "847"))
GIGA = 1e9


def limits(
    tables: Tables,
    comparisons: Sequence[Comparison],
    catalog: Catalog,
    system: SystemFile,
    *,
    sampled: bool,
) -> tuple[tuple[str, str], ...]:
    """(what, in plain words) of everything that this page says nothing or little about."""
    return (
        *_chips(tables, catalog, system, shown_whole=tables.shipped and not sampled),
        *_networks(comparisons, catalog),
        (
            "Disaggregation",
            "prefill and decode on chips of their own are not modelled; such rows are refused.",
        ),
        (
            "MLPerf",
            "its results do not state the parallelism, so that there is no configuration to "
            "predict; such rows are refused.",
        ),
        (
            "Speculative decoding",
            "no row of this table uses it; how many drafted tokens are accepted is an assumption.",
        ),
        (
            "Agents and prefix caches",
            "no published measurement states session lengths, reuse and latency together; this "
            "part is checked against closed forms and slow twins only.",
        ),
        (
            "Faults",
            "what happens on a failed link, chip or switch is checked against the graph, not "
            "against an outage.",
        ),
        *_queues(comparisons),
        (
            "Versions of software",
            "two versions of one serving engine differ by 14 % in the median on the same "
            "configuration, and the model knows one set of terms an engine: errors much below "
            "that on rows of mixed versions would be luck.",
        ),
    )


def _chips(
    tables: Tables, catalog: Catalog, system: SystemFile, *, shown_whole: bool
) -> tuple[tuple[str, str], ...]:
    chips = [d for d in catalog.devices.values() if d.kind is DeviceKind.CHIP]
    found = [catalog.find_device(row["hardware"]) for row in tables.serving]
    measured = Counter(chip.id for chip in found if chip is not None)
    shown = {chip.family for chip in chips if measured[chip.id]}
    own = [chip.name for chip in chips if chip.family == "zhenwu"]
    others = [c.name for c in chips if c.family not in system.families and c.family != "zhenwu"]
    hidden = sorted(
        f"{name} ({basis.rows} numbers)"
        for name, basis in system.basis.items()
        if name != CLASS and basis.rows and name not in shown
    )
    shared = [
        chip.name
        for chip in chips
        if chip.family in system.families and chip.family != "ascend"
        and not measured[chip.id] and chip.family in shown
    ]  # fmt: skip
    thin = system.basis.get("ascend", system.basis[CLASS])
    rows = [
        (
            ", ".join(own),
            "not one published measurement. Their terms are the prior of the class: the median "
            "of the measured families with their scatter as range, and a wider band.",
        ),
        (
            "Ascend",
            f"{thin.rows} measured numbers in {thin.clusters} cells, all on the 910B; most terms "
            "stay near the prior.",
        ),
        (
            "NVIDIA H20",
            f"no measurement; it shares the terms of Hopper (H100, H200), whose arithmetic is "
            f"{_ratio(catalog):.0f} times its own, so that other causes decide.",
        ),
        (
            "Chips that share a measured family's terms without a row here",
            ", ".join(name for name in shared if "H20" not in name or "H200" in name) + ".",
        ),
    ]
    if others:
        rows.append(("Other chips on the class prior", ", ".join(others) + "."))
    if hidden and shown_whole:
        rows.append(
            (
                "Calibrated but not shown here",
                f"{', '.join(hidden)}: fitted on results whose licence does not let this project "
                "pass them on.",
            )
        )
    return tuple(rows)


def _ratio(catalog: Catalog) -> float:
    """Peak arithmetic of the measured Hopper over that of the H20."""
    measured, slow = (catalog.devices[name].value("bf16_flops") for name in HOPPERS)
    return measured / slow


def _networks(comparisons: Sequence[Comparison], catalog: Catalog) -> tuple[tuple[str, str], ...]:
    over = [
        c for c in comparisons
        if c.groups.get("op") == "all_reduce" and c.groups.get("reach") == "over nodes"
    ]  # fmt: skip
    found = score(over)
    reached = f", median error {100 * found.median:.0f} %" if found else ""
    cells = len({c.cluster for c in over})
    far = ", ".join(
        f"{_far_rate(catalog, size) / GIGA:,.0f} GB/s predicted against {known} published at {text}"
        for size, text, known in FAR_KNOWN
    )
    return (
        (
            "All-reduce over several nodes",
            f"{len(over)} rows in {cells} cell{'s' * (cells != 1)}{reached}. Larger "
            "clusters, other NICs and oversubscribed fabrics rest on the formulas alone.",
        ),
        (
            "All-reduce in the switches of an NVL72",
            f"no row in the calibration. {far} (bus bandwidth, {FAR_RANKS} chips).",
        ),
    )


def _far_rate(catalog: Catalog, size_bytes: float) -> float:
    """Predicted bus bandwidth of an all-reduce over one NVL72, bytes/s."""
    chip = catalog.devices[FAR_CHIP]
    fabric = chip_fabric(chip, ranks_per_domain=FAR_RANKS)
    parameters = load_collective_parameters(chip.family, "nccl", fabric.kind)
    seconds = collective_s("all_reduce", FAR_RANKS, size_bytes, fabric, parameters)
    return 2.0 * (FAR_RANKS - 1) / FAR_RANKS * size_bytes / float(np.asarray(seconds))


def _queues(comparisons: Sequence[Comparison]) -> tuple[tuple[str, str], ...]:
    queued = score([c for c in comparisons if c.metric == "queued-ttft"])
    if queued is None:
        return ()
    return (
        (
            "First tokens of busy closed loops",
            "front ends, admission and client differ between published runs and are not stated; "
            f"the median error is {100 * queued.median:.0f} %, the 0.9 quantile "
            f"{100 * queued.p90:.0f} %, and no "
            "term is fitted on them.",
        ),
    )
