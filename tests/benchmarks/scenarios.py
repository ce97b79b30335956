"""Flow scenarios of the network benchmarks, drawn from seeds: no timing here.

`python -m tests.benchmarks.scenarios DIR [--only a3]` writes them as csv files for `rackflow flows`.

a  one non-blocking switch with 128 endpoints
b  a fat tree of k = 16 with 1,024 endpoints, a random path for each flow
c  racks of 128 chips: a switch of 450 GB/s a chip inside, NICs of 50 GB/s to eight rail leaves,
   each with four uplinks (4:1 oversubscribed); half of the flows stay in their rack
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

NIC_BYTES_PER_S, CHIP_BYTES_PER_S = 50e9, 450e9
ENDPOINTS = 128  # of a switch, and chips of a rack
PODS, HALF = 16, 8  # of the fat tree: k and k / 2
LEAVES, SPINES = 8, 4  # of a rack; every leaf of a rack has one uplink to each of its spines
SMALLEST, LARGEST, SHAPE = 1e4, 1e9, 1.2  # bounded Pareto
MEDIAN_BYTES = float(2**20)


class Scenario(NamedTuple):
    """Links and flows; ids are row numbers."""

    name: str
    link_bytes_per_s: F8
    source: I8  # [flows] endpoint
    target: I8
    start_s: F8
    size_bytes: F8
    route_start: I8  # [flows + 1]
    route_link: NDArray[np.int32]


def log_normal(draw: np.random.Generator, count: int, median: float) -> F8:
    """Whole bytes of sigma 1."""
    return np.rint(median * np.exp(draw.standard_normal(count)))


def bounded_pareto(draw: np.random.Generator, count: int) -> F8:
    """Whole bytes between 10 kB and 1 GB of shape 1.2: many mice, a few elephants."""
    share = draw.random(count)
    low, high = SMALLEST**SHAPE, LARGEST**SHAPE
    return np.rint((-(share * high - share * low - high) / (high * low)) ** (-1.0 / SHAPE))


def pareto_mean() -> float:
    """Mean of `bounded_pareto` in bytes."""
    low, high = SMALLEST, LARGEST
    ratio = (low / high) ** SHAPE
    scale = low**SHAPE / (1.0 - ratio) * SHAPE / (SHAPE - 1.0)
    return float(scale * (low ** (1.0 - SHAPE) - high ** (1.0 - SHAPE)))


def poisson(draw: np.random.Generator, count: int, rate_per_s: float) -> F8:
    """Arrival times."""
    return np.cumsum(draw.exponential(1.0 / rate_per_s, count))


def _pairs(draw: np.random.Generator, count: int, endpoints: int) -> tuple[I8, I8]:
    """Random ordered pairs of different endpoints."""
    source = draw.integers(0, endpoints, count)
    return source, (source + draw.integers(1, endpoints, count)) % endpoints


def on_switch(name: str, source: I8, target: I8, start_s: F8, size: F8) -> Scenario:
    """Link i leads from endpoint i to the switch, 128 + i back."""
    routes = np.stack([source, ENDPOINTS + target], axis=1)
    return Scenario(
        name,
        np.full(2 * ENDPOINTS, CHIP_BYTES_PER_S),
        source,
        target,
        start_s,
        size,
        np.arange(0, 2 * len(source) + 1, 2),
        routes.ravel().astype(np.int32),
    )


def on_fat_tree(
    name: str, draw: np.random.Generator, source: I8, target: I8, start_s: F8, size: F8
) -> Scenario:
    """Host up 0.., host down 1024.., edge to aggregation 2048.. and to core 4096.., up then down."""
    hosts = PODS * HALF * HALF
    agg, core = draw.integers(0, HALF, len(source)), draw.integers(0, HALF, len(source))

    def edge(host: I8) -> I8:
        return host // HALF  # counted over all pods

    def pod(host: I8) -> I8:
        return host // (HALF * HALF)

    def lower(host: I8) -> I8:
        return 2 * hosts + 2 * (edge(host) * HALF + agg)

    def upper(host: I8) -> I8:
        return 4 * hosts + 2 * ((pod(host) * HALF + agg) * HALF + core)

    hops = np.stack(
        [
            source, lower(source), upper(source),
            upper(target) + 1, lower(target) + 1, hosts + target,
        ],
        axis=1,
    )  # fmt: skip
    kept = np.ones(hops.shape, np.bool_)
    kept[:, 2:4] = (pod(source) != pod(target))[:, None]
    kept[:, (1, 4)] = (edge(source) != edge(target))[:, None]
    start = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    rates = np.full(6 * hosts, NIC_BYTES_PER_S)
    return Scenario(name, rates, source, target, start_s, size, start, hops[kept].astype(np.int32))


def on_racks(
    name: str,
    draw: np.random.Generator,
    racks: int,
    flows: int,
    start_s: F8,
    size: F8,
) -> Scenario:
    """Random flows, half of them between racks over the rails of their ends and one spine."""
    chips = racks * ENDPOINTS
    source = draw.integers(0, chips, flows)
    away = draw.random(flows) < 0.5
    near = source // ENDPOINTS * ENDPOINTS
    inside = near + (source - near + draw.integers(1, ENDPOINTS, flows)) % ENDPOINTS
    rack = (source // ENDPOINTS + draw.integers(1, max(2, racks), flows)) % racks
    target = np.where(away, rack * ENDPOINTS + draw.integers(0, ENDPOINTS, flows), inside)
    spine = draw.integers(0, SPINES, flows)

    def uplink(chip: I8) -> I8:
        leaf = chip // ENDPOINTS * LEAVES + chip % LEAVES
        return 4 * chips + 2 * (leaf * SPINES + spine)

    hops = np.stack(
        [
            np.where(away, 2 * chips + source, source),
            uplink(source),
            uplink(target) + 1,
            np.where(away, 3 * chips + target, chips + target),
        ],
        axis=1,
    )
    kept = np.ones(hops.shape, np.bool_)
    kept[:, 1:3] = away[:, None]
    start = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    rates = np.full(4 * chips + 2 * racks * LEAVES * SPINES, NIC_BYTES_PER_S)
    rates[: 2 * chips] = CHIP_BYTES_PER_S
    return Scenario(name, rates, source, target, start_s, size, start, hops[kept].astype(np.int32))


def a1(seed: int) -> Scenario:
    """127 shift permutations at once, equal sizes: every port carries one flow of each."""
    shift = np.repeat(np.arange(1, ENDPOINTS), ENDPOINTS)
    source = np.tile(np.arange(ENDPOINTS), ENDPOINTS - 1)
    target = (source + shift) % ENDPOINTS
    count = len(source)
    return on_switch("a1", source, target, np.zeros(count), np.full(count, MEDIAN_BYTES))


def a2(seed: int) -> Scenario:
    """All-to-all at once, equal sizes."""
    source, target = np.nonzero(~np.eye(ENDPOINTS, dtype=bool))
    count = len(source)
    return on_switch("a2", source, target, np.zeros(count), np.full(count, MEDIAN_BYTES))


def a3(seed: int) -> Scenario:
    """All-to-all at once, log-normal sizes: everything is coupled to everything."""
    plain = a2(seed)
    size = log_normal(np.random.default_rng(seed), len(plain.source), MEDIAN_BYTES)
    return plain._replace(name="a3", size_bytes=size)


def _permutation(name: str, seed: int, *, equal: bool) -> Scenario:
    draw = np.random.default_rng(seed)
    hosts = PODS * HALF * HALF
    order = draw.permutation(hosts)  # one cycle through all: nobody sends to itself
    target = np.empty(hosts, np.int64)
    target[order] = np.roll(order, -1)
    size = np.full(hosts, 1e8) if equal else log_normal(draw, hosts, 1e8)
    return on_fat_tree(name, draw, np.arange(hosts), target, np.zeros(hosts), size)


def b1(seed: int) -> Scenario:
    """A random permutation, equal sizes."""
    return _permutation("b1", seed, equal=True)


def b2(seed: int) -> Scenario:
    """A random permutation, log-normal sizes."""
    return _permutation("b2", seed, equal=False)


def b3(seed: int) -> Scenario:
    """10,000 Poisson arrivals at load 0.6 of the hosts' links, bounded-Pareto sizes."""
    return _arrivals("b3", seed, load=0.6, hot=0.0)


def b4(seed: int) -> Scenario:
    """The same at load 0.9; one flow of twenty goes to one of sixteen hot hosts."""
    return _arrivals("b4", seed, load=0.9, hot=0.05)


def _arrivals(name: str, seed: int, *, load: float, hot: float) -> Scenario:
    draw = np.random.default_rng(seed)
    hosts, flows = PODS * HALF * HALF, 10_000
    source, target = _pairs(draw, flows, hosts)
    chosen = draw.random(flows) < hot
    target = np.where(chosen, draw.integers(0, 16, flows) * (hosts // 16), target)
    target = np.where(target == source, (target + 1) % hosts, target)
    rate = load * hosts * NIC_BYTES_PER_S / pareto_mean()
    start = poisson(draw, flows, rate)
    return on_fat_tree(name, draw, source, target, start, bounded_pareto(draw, flows))


def c1(seed: int) -> Scenario:
    """Eight racks, 50,000 Poisson arrivals at load 0.8 of the uplinks, bounded-Pareto sizes."""
    return _rack_arrivals("c1", seed, 8, 50_000, 0.8)


def c2(seed: int) -> Scenario:
    """Eight racks, 50,000 log-normal flows at once."""
    return _rack_bulk("c2", seed, 50_000)


def c3(seed: int) -> Scenario:
    """Eight racks, 5,000 log-normal flows at once."""
    return _rack_bulk("c3", seed, 5_000)


def hall(seed: int, flows: int = 1_000_000) -> Scenario:
    """1,024 racks, Poisson arrivals at load 0.6 of the uplinks, bounded-Pareto sizes."""
    return _rack_arrivals("hall", seed, 1024, flows, 0.6)


def _rack_bulk(name: str, seed: int, flows: int) -> Scenario:
    draw = np.random.default_rng(seed)
    return on_racks(name, draw, 8, flows, np.zeros(flows), log_normal(draw, flows, 1e7))


def _rack_arrivals(name: str, seed: int, racks: int, flows: int, load: float) -> Scenario:
    draw = np.random.default_rng(seed)
    uplinks = racks * LEAVES * SPINES * NIC_BYTES_PER_S
    start = poisson(draw, flows, load * uplinks / (0.5 * pareto_mean()))
    return on_racks(name, draw, racks, flows, start, bounded_pareto(draw, flows))


TEN: dict[str, Callable[[int], Scenario]] = {
    make.__name__: make for make in (a1, a2, a3, b1, b2, b3, b4, c1, c2, c3)
}
EVERY: dict[str, Callable[[int], Scenario]] = {**TEN, "hall": hall}


def write(scenario: Scenario, folder: Path) -> None:
    """links.csv and flows.csv of a scenario, as `rackflow flows` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "links.csv").open("w") as out:
        out.write("link_id,name,bandwidth_Bps\n")
        for number, rate in enumerate(scenario.link_bytes_per_s.tolist()):
            out.write(f"{number},l{number},{rate!r}\n")
    ends, links = scenario.route_start.tolist(), scenario.route_link.tolist()
    with (folder / "flows.csv").open("w") as out:
        out.write("flow_id,src,dst,start_s,size_B,route\n")
        rows = zip(
            scenario.source.tolist(),
            scenario.target.tolist(),
            scenario.start_s.tolist(),
            scenario.size_bytes.tolist(),
            strict=True,
        )
        for number, (source, target, start, size) in enumerate(rows):
            route = " ".join(map(str, links[ends[number] : ends[number + 1]]))
            out.write(f"{number},{source},{target},{start!r},{size!r},{route}\n")


def main() -> None:
    """Writes the scenarios that are asked for."""
    parser = argparse.ArgumentParser(description="Write the flow scenarios of the benchmarks.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=list(EVERY), action="append", default=None)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for name in options.only or TEN:
        write(EVERY[name](options.seed), options.folder / name)
        sys.stdout.write(f"{options.folder / name}\n")


if __name__ == "__main__":
    main()
