"""Every answer of the analysis panel, on halls drawn as arrays and as single racks."""

from collections.abc import Iterator

import msgspec

from engine.analysis.analyse import analyse
from engine.catalog.loader import load_catalog
from engine.scenario.design import Design
from engine.topology.generators import cable, draw
from tests.benchmarks.timing import Row, Table, least_cpu_s, seconds

SHOP = load_catalog()
PODS, RACKS_PER_POD = 32, 32


def hall(*, arrays: bool, missing: bool = False) -> Design:
    """1,024 AL128 racks in pods of 32 leaves under 16 spines; one rack may lack a cable."""
    per = RACKS_PER_POD if arrays else 1
    racks = [
        draw(SHOP, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0, per)
        for i in range(PODS * RACKS_PER_POD // per)
    ]
    leaves = [draw(SHOP, "hpn7-leaf", f"l{i}", f"L{i}", 0, 0, 32) for i in range(PODS)]
    spine = draw(SHOP, "hpn7-spine", "s", "S", 0, 0, 16)
    links = [
        cable(SHOP, f"u{i}", (r, "uplink"), (leaves[i * per // RACKS_PER_POD], "port"), 4)
        for i, r in enumerate(racks)
    ]
    links += [
        cable(SHOP, f"c{i}", (leaf, "port"), (spine, "port"), 4) for i, leaf in enumerate(leaves)
    ]
    if missing:
        links[5] = msgspec.structs.replace(links[5], count=3)
    return Design(elements=(*racks, *leaves, spine), links=tuple(links))


def singles(racks: int, leaves: int) -> Design:
    """Racks and leaves drawn one by one, every rack on a pair of leaves."""
    rack = [draw(SHOP, "panjiu-al128-2x64", f"r{i}", f"R{i}", 0, 0) for i in range(racks)]
    leaf = [draw(SHOP, "hpn7-leaf", f"l{i}", f"L{i}", 0, 0) for i in range(leaves)]
    spine = draw(SHOP, "hpn7-spine", "s", "S", 0, 0, 8)
    pairs = leaves // 2
    links = [
        cable(SHOP, f"x{i}-{j}", (rack[i], "uplink"), (leaf[i % pairs * 2 + j], "port"), 2)
        for i in range(racks)
        for j in range(2)
    ]
    links += [cable(SHOP, f"y{i}", (leaf[i], "port"), (spine, "port"), 8) for i in range(leaves)]
    return Design(elements=(*rack, *leaf, spine), links=tuple(links))


def measure() -> Iterator[Table]:
    """CPU seconds of a full analysis, the best of three."""
    cases = {
        "131,072 chips, racks in arrays": hall(arrays=True),
        "131,072 chips, 1,024 single racks": hall(arrays=False),
        "131,072 chips, single racks, a cable missing": hall(arrays=False, missing=True),
        "1,000 devices drawn singly": singles(950, 42),
        "10,000 devices drawn singly": singles(9_500, 420),
    }
    rows = [
        Row(name, (seconds(least_cpu_s(lambda design=design: analyse(design, SHOP), 3)),))  # type: ignore[misc]
        for name, design in cases.items()
    ]
    yield Table("Analysis", ("every answer of the panel",), rows, "CPU seconds. Asked: 2 s.")
