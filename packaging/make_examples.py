"""Writes the examples under resources/examples from code; a test compares them with the files."""

import sys
from pathlib import Path

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.catalog.resources import resource_path
from engine.scenario.design import Deployment, Design, RunSettings, Slo
from engine.scenario.prices import seed_prices
from engine.storage.project_file import save_design
from engine.topology.generators import cable, draw, racks_on_leaves
from engine.workload.profiles import coding_agent

NOTE = (
    "One Panjiu AL128 on two leaf switches serves coding agents. The M890's HBM bandwidth, FLOPS, "
    "power and price, the rack's hosts and NICs and all prices are estimates of the catalogue; "
    "the agents follow published statistics (TraceLab)."
)


def al128_agents(catalog: Catalog) -> Design:
    """The AL128 example: a rack, two leaves, a gateway and storage, some hundreds of agents."""
    rack = draw(catalog, "panjiu-al128-2x64", "rack", "AL128", 320, 416)
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
        note=NOTE,
        elements=(gateway, storage, *leaves, rack),
        links=tuple(links),
        deployment=Deployment(model=model.id, tp=8, max_num_seqs=64, max_num_batched_tokens=8192),
        workload=coding_agent(catalog, 800, model.context_tokens),
        slo=Slo(ttft_s=2.0, tpot_s=0.05),
        run=RunSettings(until_s=600.0, seed=1),
    )
    return msgspec.structs.replace(design, prices=seed_prices(design, catalog))


def main() -> int:
    """Writes every example and names it."""
    catalog = load_catalog()
    target = resource_path("examples", "al128-agents.rackflow")
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    save_design(target, al128_agents(catalog), catalog)
    sys.stdout.write(f"{target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
