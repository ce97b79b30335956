"""Examples of one and two AL128 racks."""

from engine.catalog.catalog import Catalog
from engine.scenario.design import Deployment, Design, PoolRole, Router, RunSettings, Slo
from engine.topology.elements import Element, Link
from engine.topology.generators import cable, draw, racks_on_leaves
from engine.workload.profiles import PROFILES, coding_agent
from engine.workload.spec import LogNormal, WorkloadKind, WorkloadSpec
from examples.shared import ESTIMATES, priced

RACK = "panjiu-al128-2x64"
DOWN, UP = 64, 4  # cables of a leaf of two racks: to its rack, to the spine
AL128_NOTE = (
    "One Panjiu AL128 on two leaf switches serves coding agents. The M890's HBM bandwidth, FLOPS, "
    "power and price, the rack's hosts and NICs and all prices are estimates of the catalogue; "
    "the agents follow published statistics (TraceLab). Press Play and click the first bottleneck: "
    "the canvas shows its place. Try: What helps, or Ctrl+Shift+F with a leaf selected."
)
PAIR_NOTE = (
    "Two Panjiu AL128 serve one model together: its experts lie on all 256 chips, so each layer "
    "of each step sends tokens between the racks. 64 cables lead from a rack to its leaf and only "
    "4 from there to the spine, 16 to 1. Press Play: the scale-out network leads the list of "
    "bottlenecks and the cables at the spine are the busiest. Try: set the number of cables from "
    "each leaf to the spine to 32, which raises the output by half, or ask What helps. "
    + ESTIMATES
)
SPLIT_NOTE = (
    "Prefill and decode apart: the replicas of the left rack read prompts, those of the right one "
    "write the answers, and the KV of every prompt moves from one to the other over leaves and "
    "spine. The load are long chats (Mooncake). Press Play: chips are the bottleneck, the four "
    "cables at the spine carry the KV with ease. Try: set both bundles at the spine to one cable "
    "of 100G, and the KV on its way leads the list; or raise the rate to 24 a second, and prompts "
    "queue for prefill while tokens still come as quickly as before. " + ESTIMATES
)
CHATS = LogNormal(median=300.0, sigma=0.7, low=8.0, high=4096.0)


def al128_agents(catalog: Catalog) -> Design:
    """A rack, two leaves, a gateway and storage, some hundreds of agents."""
    rack = draw(catalog, RACK, "rack", "AL128", 320, 416)
    leaves = [
        draw(catalog, "hpn7-leaf", f"leaf-{i}", f"Leaf {'AB'[i]}", 208 + 288 * i, 256)
        for i in range(2)
    ]
    gateway = draw(catalog, "client-gateway", "gateway", "Clients", 208, 96)
    storage = draw(catalog, "flash-storage", "storage", "Model store", 560, 96)
    links = [*racks_on_leaves(catalog, rack, leaves, 128)]
    for leaf in leaves:
        links.append(cable(catalog, f"gateway-{leaf.id}", (gateway, "eth"), (leaf, "port"), 2))
        links.append(cable(catalog, f"storage-{leaf.id}", (storage, "eth"), (leaf, "port"), 2))
    model = catalog.llm("qwen35_397b_a17b")
    design = Design(
        name="AL128 with coding agents",
        note=AL128_NOTE,
        elements=(gateway, storage, *leaves, rack),
        links=tuple(links),
        deployment=Deployment(model=model.id, tp=8, max_num_seqs=64, max_num_batched_tokens=8192),
        workload=coding_agent(catalog, 800, model.context_tokens),
        slo=Slo(ttft_s=2.0, tpot_s=0.05),
        run=RunSettings(until_s=600.0, seed=1),
    )
    return priced(design, catalog)


def oversubscribed_pair(catalog: Catalog) -> Design:
    """Two racks, each on a leaf of its own, with few cables from the leaves to the spine."""
    elements, links = _two_racks(catalog, ("AL128 A", "AL128 B"))
    design = Design(
        name="Two AL128, oversubscribed",
        note=PAIR_NOTE,
        elements=elements,
        links=links,
        deployment=Deployment(
            model="qwen35_397b_a17b", tp=8, attention_dp=32, ep=256, max_num_seqs=512
        ),
        workload=WorkloadSpec(
            kind=WorkloadKind.CLIENTS,
            profile="",
            clients=512,
            requests=200_000,
            input_tokens=CHATS,
            output_tokens=CHATS,
        ),
        slo=Slo(ttft_s=2.0, tpot_s=0.05),
        run=RunSettings(until_s=300.0, seed=1),
    )
    return priced(design, catalog)


def prefill_decode(catalog: Catalog) -> Design:
    """Prefill on one rack, decode on the other, KV over leaves and spine."""
    elements, links = _two_racks(catalog, ("Prefill", "Decode"))
    model = catalog.llm("qwen3_235b_a22b")
    first = Deployment(
        name="prefill", role=PoolRole.PREFILL, model=model.id, tp=8, chips=("rack-0",),
        router=Router.LEAST_LOADED, max_num_batched_tokens=16384,
    )  # fmt: skip
    second = Deployment(
        name="decode", role=PoolRole.DECODE, model=model.id, tp=8, chips=("rack-1",),
        router=Router.LEAST_LOADED,
    )  # fmt: skip
    design = Design(
        name="Prefill and decode across racks",
        note=SPLIT_NOTE,
        elements=elements,
        links=links,
        deployment=first,
        pools=(second,),
        workload=PROFILES["mooncake-chat"](catalog, 16.0, model.context_tokens),
        slo=Slo(ttft_s=5.0, tpot_s=0.05),
        run=RunSettings(until_s=300.0, seed=1),
    )
    return priced(design, catalog)


def _two_racks(
    catalog: Catalog, names: tuple[str, str]
) -> tuple[tuple[Element, ...], tuple[Link, ...]]:
    """Two racks on a leaf each, the leaves and the clients on a spine."""
    gateway = draw(catalog, "client-gateway", "gateway", "Clients", 464, 64)
    spine = draw(catalog, "hpn7-spine", "spine", "Spine", 432, 224)
    leaves = [
        draw(catalog, "hpn7-leaf", f"leaf-{i}", f"Leaf {'AB'[i]}", 240 + 384 * i, 384)
        for i in range(2)
    ]
    racks = [
        draw(catalog, RACK, f"rack-{i}", name, 208 + 384 * i, 544) for i, name in enumerate(names)
    ]
    links = [cable(catalog, "gateway-spine", (gateway, "eth"), (spine, "port"), 4)]
    for rack, leaf in zip(racks, leaves, strict=True):
        links.append(cable(catalog, f"{leaf.id}-spine", (leaf, "port"), (spine, "port"), UP))
        links.append(
            cable(catalog, f"{rack.id}-{leaf.id}", (rack, "uplink"), (leaf, "port"), DOWN)
        )
    return (gateway, spine, *leaves, *racks), tuple(links)
