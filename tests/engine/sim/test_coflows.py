"""Coflows of replicas: all parts of a step load the links, on idle fabrics as in closed form."""

import msgspec
import numpy as np
import pytest

from engine.catalog.catalog import Catalog
from engine.cost.collectives.closed_forms import Algorithm
from engine.cost.collectives.fabric import chip_fabric
from engine.cost.communication import ExchangeShares, exchange_shares
from engine.errors import ScenarioError
from engine.scenario.design import CollectiveAlgorithm, Deployment, Design, Precision
from engine.scenario.scenario import Scenario
from engine.sim.codes import LinkClass, NodeKind
from engine.sim.coflow_classes import coflow_classes
from engine.sim.coflows import replica_coflow
from engine.sim.flows import simulate_flows
from engine.sim.lower import Lowered, lower
from engine.sim.routing import Router
from engine.sim.step_algorithms import drawn_algorithms
from engine.sim.tables import FabricTables
from engine.topology.expand import expand
from engine.topology.generators import cable, draw
from tests.engine.sim.test_collective_routes import eight
from tests.helpers import worlds

RING, TREE = CollectiveAlgorithm.RING, CollectiveAlgorithm.TREE


def test_the_names_of_the_file_are_those_of_the_closed_forms() -> None:
    names = {item.value for item in CollectiveAlgorithm} - {"auto"}
    assert names <= {item.value for item in Algorithm}


def eight_h100(shop: Catalog, **changes: object) -> Design:
    design = eight(shop, "nvidia-h100")
    deployment = Deployment(**{"model": "qwen3_32b", "precision": Precision.FP8, **changes})  # type: ignore[arg-type]
    base = worlds.one_chip(shop)
    return msgspec.structs.replace(
        base, elements=design.elements, links=design.links, deployment=deployment
    )


def lowered(design: Design, shop: Catalog) -> Lowered:
    return lower(Scenario(design=design, catalog=shop, until_s=1.0, seed=1))


def alone_s(fabric: FabricTables, links: np.ndarray, weights: np.ndarray, size: float) -> float:
    found = simulate_flows(
        fabric.link_bytes_per_s,
        np.array([0, len(links)], np.int64),
        links,
        np.zeros(1),
        np.array([size]),
        weights,
    )
    return float(found.finish_s[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"tp": 8},
        {"tp": 4, "pp": 2},
        {"tp": 2, "pp": 4},
        {"tp": 1, "pp": 8},
        {"tp": 2, "attention_dp": 2, "ep": 4, "pp": 2, "model": "qwen3_30b_a3b"},
        {"tp": 1, "attention_dp": 8, "ep": 8, "model": "qwen3_30b_a3b"},
        {"tp": 8, "collective_algorithm": RING},
        {"tp": 8, "collective_algorithm": TREE},
        {"tp": 8, "collective_algorithm": CollectiveAlgorithm.IN_SWITCH},
        {"tp": 8, "collective_algorithm": CollectiveAlgorithm.HALVING_DOUBLING},
    ],
)
def test_all_parts_of_a_step_take_their_bytes_over_the_port(
    shop: Catalog, changes: dict[str, object]
) -> None:
    tables = lowered(eight_h100(shop, **changes), shop)
    start, end = tables.replicas.coflow_start[:2]
    links = tables.replicas.coflow_link[start:end]
    weights = tables.replicas.coflow_weight[start:end]
    out = tables.fabric.link_source == tables.replicas.chip[0]
    port = float(tables.fabric.link_bytes_per_s[out].sum())
    size = float(tables.timing.collective_bytes[0, -1])
    assert size > 0
    assert alone_s(tables.fabric, links, weights, size) == pytest.approx(size / port, rel=1e-9)


def test_stages_load_the_links_between_them_beside_their_all_reduce(shop: Catalog) -> None:
    design = eight_h100(shop, tp=4, pp=2)
    fabric = FabricTables(*expand(design.elements, design.links, shop))
    chips = np.arange(8, dtype=np.int32)
    llm = shop.llm("qwen3_32b")
    shares = exchange_shares(design.deployment, llm, chip_fabric(shop.device("nvidia-h100")))
    assert shares.reduce + shares.pipeline == pytest.approx(1.0, rel=1e-12)
    assert shares.pipeline / shares.reduce == pytest.approx(2 / (2 * llm.layers * 2 * 3 / 4))
    links, weights, _ = replica_coflow(chips, design.deployment, fabric, Router(fabric), shares)
    sent = np.bincount(fabric.link_source[links], weights, minlength=len(fabric.node_kind))
    assert sent[:4] == pytest.approx([1.0] * 4, rel=1e-12)
    assert sent[4:8] == pytest.approx([shares.reduce] * 4, rel=1e-12)


def test_tp_groups_reduce_among_themselves_and_experts_over_the_stage(shop: Catalog) -> None:
    chips, links = worlds.eight_chips(shop).elements, worlds.eight_chips(shop).links
    fabric = FabricTables(*expand(chips, links, shop))
    deployment = Deployment(tp=2, attention_dp=4)
    row = np.arange(8, dtype=np.int32)
    shares = ExchangeShares(0.75, 0.25, 0.0)
    found, weights, _ = replica_coflow(row, deployment, fabric, Router(fabric), shares)
    ends = zip(fabric.link_source[found].tolist(), fabric.link_target[found].tolist(), strict=True)
    for (a, b), weight in zip(ends, weights.tolist(), strict=True):
        wanted = 0.25 / 7 + (0.75 if a // 2 == b // 2 else 0.0)
        assert weight == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("chip", "changes", "text"),
    [
        ("nvidia-a100-sxm-80g", {"collective_algorithm": "in-switch"}, "no scale-up|add up|span"),
        ("nvidia-h100", {"collective_algorithm": "hierarchical"}, "two domains"),
        ("nvidia-h100", {"collective_algorithm": "halving-doubling", "tp": 6}, "power of two"),
    ],
)
def test_an_algorithm_that_cannot_run_is_refused(
    shop: Catalog, chip: str, changes: dict[str, object], text: str
) -> None:
    design = eight_h100(shop, **{"tp": 8, **changes})
    if chip != "nvidia-h100":  # no switch at all: chips cabled to each other
        world = worlds.eight_chips(shop)
        design = msgspec.structs.replace(design, elements=world.elements, links=world.links)
    deployment = msgspec.convert(msgspec.to_builtins(design.deployment), Deployment)
    design = msgspec.structs.replace(design, deployment=deployment)
    with pytest.raises(ScenarioError, match=text):
        lowered(design, shop)


def test_the_algorithm_of_a_design_changes_its_step_time(shop: Catalog) -> None:
    times = {
        algorithm: lowered(eight_h100(shop, tp=8, collective_algorithm=algorithm), shop)
        for algorithm in (CollectiveAlgorithm.AUTO, RING, CollectiveAlgorithm.IN_SWITCH)
    }
    small = {name: float(t.timing.dense_s[0, 64].sum()) for name, t in times.items()}
    assert small[RING] > small[CollectiveAlgorithm.AUTO]
    moved = {name: float(t.timing.collective_bytes[0, -1]) for name, t in times.items()}
    assert moved[RING] == moved[CollectiveAlgorithm.AUTO]
    assert moved[CollectiveAlgorithm.IN_SWITCH] == pytest.approx(moved[RING] * 9 / 14)


def test_the_algorithms_of_a_step_are_told_with_their_limits(shop: Catalog) -> None:
    design = eight_h100(shop, tp=4, pp=2)
    tables = lowered(design, shop)
    told = drawn_algorithms(design, shop, tables.first.placement, tables.fabric)
    assert [(a.kind, a.algorithm) for a in told] == [
        ("all-reduce", "two-shot"),
        ("point-to-point", "direct"),
    ]
    assert "33,554,432 bytes" in told[0].reason
    forced = eight_h100(shop, tp=8, collective_algorithm=RING)
    asked = drawn_algorithms(forced, shop, lowered(forced, shop).first.placement, tables.fabric)
    assert (asked[0].algorithm, asked[0].reason) == ("ring", "asked for")


def hall(shop: Catalog, racks: int) -> FabricTables:
    rack = draw(shop, "panjiu-al128-2x64", "r", "AL128", 0, 0, racks)
    leaf = draw(shop, "hpn7-leaf", "leaf", "Leaf", 400, 0)
    link = cable(shop, "up", (rack, "uplink"), (leaf, "port"), 4)
    return FabricTables(*expand((rack, leaf), (link,), shop))


@pytest.mark.parametrize("broken", [False, True])
def test_replicas_of_identical_racks_share_their_coflows(shop: Catalog, broken: bool) -> None:
    fabric = hall(shop, 4)
    if broken:  # one direction of one scale-up link of the third rack
        third = np.flatnonzero(fabric.link_class == LinkClass.SCALE_UP)
        rates = fabric.link_bytes_per_s.copy()
        rates[third[len(third) // 2 + 10]] *= 0.5
        fabric = fabric._replace(link_bytes_per_s=rates)
    chips = np.flatnonzero(fabric.node_kind == 0).astype(np.int32).reshape(-1, 8)
    deployment, routes = Deployment(tp=8), Router(fabric)
    classes = coflow_classes(chips, deployment, fabric, routes)
    assert (len(classes.templates) == 16) is not broken
    assert len(classes.templates) < 32
    start, link, weight = classes.csr()
    for replica, row in enumerate(chips):
        links, weights, latency_s = replica_coflow(row, deployment, fabric, routes)
        mine = slice(start[replica], start[replica + 1])
        assert link[mine].tolist() == links.tolist()
        assert weight[mine].tolist() == weights.tolist()
        assert classes.row(replica)[2] == latency_s
    assert classes.latency_s > 0


def test_a_coflow_is_the_sum_of_its_routes_one_by_one(shop: Catalog) -> None:
    design = eight_h100(shop, tp=4, pp=2)
    fabric = expand(design.elements, design.links, shop)
    chips = np.flatnonzero(fabric.node_kind == NodeKind.CHIP).astype(np.int32)
    shares = ExchangeShares(0.6, 0.3, 0.1)
    links, weights, latency_s = replica_coflow(
        chips, design.deployment, fabric, Router(fabric), shares
    )
    stages = [chips[:4].tolist(), chips[4:].tolist()]
    pairs = [(a, b, f / 3) for s in stages for f in (0.6, 0.3) for a in s for b in s if a != b]
    pairs += [(a, b, 0.1) for a, b in zip(*stages, strict=True)]
    total: dict[int, float] = {}
    longest, router = 0.0, Router(fabric)
    for a, b, part in pairs:
        route = router.require(a, b, "test")
        longest = max(longest, route.latency_s)
        for link, share in zip(route.links.tolist(), route.shares.tolist(), strict=True):
            total[link] = total.get(link, 0.0) + share * part
    assert links.tolist() == sorted(total)
    np.testing.assert_allclose(weights, [total[k] for k in sorted(total)], rtol=1e-12)
    assert latency_s == longest
