"""Examples of some chips: one with its host, and a mesh of eight."""

import msgspec

from engine.catalog.catalog import Catalog
from engine.scenario.design import Deployment, Design, Precision, Router, RunSettings, Slo
from engine.topology.generators import cable, draw, mesh_of_eight
from examples.shared import chats, priced

CHIP_NOTE = (
    "The smallest thing that serves: one Zhenwu M890 in one host runs Qwen3-32B, asked by clients "
    "at random, 1.5 times a second. Press Play (Space): the chip's arithmetic and its memory hold "
    "each token up, the network does nothing. Try: raise the workload's rate to 4 a second and "
    "watch requests pile up and the first token come later and later; then set the count of the "
    "chip to 3, which starts two more replicas. "
    "The M890's HBM bandwidth, FLOPS, power and price are estimates of the catalogue."
)
MESH_NOTE = (
    "Eight Zhenwu M890, each linked to every other by one ICN cable, serve one replica of "
    "Qwen3.5-397B-A17B with tensor parallelism 8: every layer ends with a sum over all chips. "
    "Press Play: the latency of these sums and the links of the mesh have a share in the list of "
    "bottlenecks. Try: set tensor parallelism to 4 for two replicas of four chips, or delete some "
    "links of the mesh and see which ways their traffic takes instead. The M890's HBM bandwidth, FLOPS, power and price are estimates of "
    "the catalogue."
)


def chip_and_host(catalog: Catalog) -> Design:
    """One chip in one host that clients ask."""
    gateway = draw(catalog, "client-gateway", "gateway", "Clients", 96, 96)
    host = draw(catalog, "yitian-710-host", "host", "Host", 96, 256)
    chip = draw(catalog, "zhenwu-m890", "chip", "M890", 112, 416)
    links = (
        cable(catalog, "gateway-host", (gateway, "eth"), (host, "eth"), 2),
        cable(catalog, "host-chip", (chip, "pcie"), (host, "pcie"), 1),
    )
    design = Design(
        name="One chip and a host",
        note=CHIP_NOTE,
        elements=(gateway, host, chip),
        links=links,
        deployment=Deployment(
            model="qwen3_32b",
            precision=Precision.FP8,
            tp=1,
            max_num_seqs=64,
            router=Router.LEAST_LOADED,
        ),
        workload=chats(1.5),
        slo=Slo(ttft_s=2.0, tpot_s=0.05),
        run=RunSettings(until_s=300.0, seed=1),
    )
    return priced(design, catalog)


def mesh_of_chips(catalog: Catalog) -> Design:
    """Eight chips in a full mesh, four on each of two hosts."""
    drawn, mesh = mesh_of_eight(catalog, "zhenwu-m890", 96, 448)
    chips = [msgspec.structs.replace(chip, name=f"M890 {i}") for i, chip in enumerate(drawn)]
    gateway = draw(catalog, "client-gateway", "gateway", "Clients", 352, 96)
    hosts = [
        draw(catalog, "yitian-710-host", f"host-{i}", f"Host {'AB'[i]}", 184 + 352 * i, 256)
        for i in range(2)
    ]
    links = [*mesh]
    for number, host in enumerate(hosts):
        links.append(cable(catalog, f"gateway-{host.id}", (gateway, "eth"), (host, "eth"), 1))
        links += [
            cable(catalog, f"{host.id}-{chip.id}", (chip, "pcie"), (host, "pcie"), 1)
            for i, chip in enumerate(chips)
            if i % 4 // 2 == number
        ]
    design = Design(
        name="Mesh of eight chips",
        note=MESH_NOTE,
        elements=(gateway, *hosts, *chips),
        links=tuple(links),
        deployment=Deployment(model="qwen35_397b_a17b", tp=8, max_num_seqs=128),
        workload=chats(6.0),
        slo=Slo(ttft_s=2.0, tpot_s=0.05),
        run=RunSettings(until_s=300.0, seed=1),
    )
    return priced(design, catalog)
