"""The beginning of a run: what it reads, its routes and its empty state, from lowered tables."""

import numpy as np
from numpy.typing import NDArray

from engine.errors import CapacityError
from engine.sim.codes import LinkClass
from engine.sim.kernels.world import LEAST_LOADED, SESSION_STICKY, World
from engine.sim.like_links import LikeLinks, merge_links
from engine.sim.lower import Lowered
from engine.sim.own_links import sums_of_rows
from engine.sim.state import State, new_state
from engine.sim.tables import AgentTables, RequestTables

F8 = NDArray[np.float64]

FIRST_ROWS = 4096
FIRST_SLOTS = 1024
MAX_CACHE_CELLS = 50_000_000  # 2 GB
SAMPLES_A_RUN = 1000
SHORTEST_SAMPLE_S = 0.25


def make_world(lowered: Lowered, seed: int, own_bytes_per_s: F8, jump: int) -> World:
    """What the kernels read; `own_bytes_per_s` [replicas] from `own_rates`, `jump` steps ahead."""
    agents, requests = lowered.agents, lowered.requests
    empty4 = np.empty(0, np.int32)
    if requests is None:
        requests = RequestTables(np.empty(0), empty4, empty4, np.zeros(1, np.int64), empty4, 0, 0)
    share = 0.0
    if agents is None:
        agents = AgentTables(0, np.ones((6, 4)), 1.0, 0.0, 0.5, 0, False, empty4)
    else:
        share = think_share(agents)
    return World(
        timing=lowered.timing,
        limits=lowered.limits,
        requests=requests,
        agents=agents,
        host_cores=lowered.host_cores,
        think_share=share,
        seed=seed,
        replicas=len(lowered.replicas.chips),
        own_bytes_per_s=own_bytes_per_s,
        jump=jump,
    )


def think_share(agents: AgentTables) -> float:
    """Share of time that an agent's person thinks, from the means of its distributions.

    Steps take their tools' time and some seconds of the model; the model's part is small and
    unknown before the run, 5 s a step stand for it.
    """
    tool = _clipped_mean(agents.distributions[3])
    think = _clipped_mean(agents.distributions[4])
    task = agents.steps_per_task * 5.0 + (agents.steps_per_task - 1.0) * tool
    return float(think / (think + task))


def _clipped_mean(row: F8) -> float:
    """Mean of a clipped log-normal (median, sigma, low, high), by quantiles."""
    generator = np.random.default_rng(0)
    draws = row[0] * np.exp(row[1] * generator.standard_normal(20_000))
    return float(np.clip(draws, row[2], row[3]).mean())


def make_routes(lowered: Lowered, own_bytes_per_s: F8) -> LikeLinks:
    """Routes in the order coflows, ways in, ways out, over links of which no two are alike.

    Coflows on links of their own have no route: how long they take is known without the network.
    """
    rep = lowered.replicas
    hops = np.diff(rep.coflow_start)
    shared = own_bytes_per_s == 0.0
    kept = np.repeat(shared, hops)
    parts = (
        (np.where(shared, hops, 0), rep.coflow_link[kept], rep.coflow_weight[kept]),
        (np.diff(rep.ingress_start), rep.ingress_link, rep.ingress_weight),
        (np.diff(rep.egress_start), rep.egress_link, rep.egress_weight),
    )
    start = np.concatenate([[0], *(part[0] for part in parts)]).cumsum()
    return merge_links(
        lowered.fabric.link_bytes_per_s,
        start.astype(np.int64),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )


def make_state(world: World, lowered: Lowered, until_s: float, log_steps: int) -> State:
    """The state at time 0.

    Raises:
        CapacityError: the prefix cache would not fit in memory.
    """
    rep, fabric = lowered.replicas, lowered.fabric
    count = len(rep.chips)
    agents = world.agents.agents
    slots = agents or min(max(1, len(world.requests.arrival_s)), FIRST_SLOTS + 4 * count)
    cache_rows, entries = _cache_shape(world, count)
    outside = fabric.link_class[rep.coflow_link] != LinkClass.SCALE_UP
    way_in_s = fabric.link_latency_s[rep.ingress_link] * rep.ingress_weight
    horizon = until_s if agents else min(until_s, _last_arrival_s(world))
    return new_state(
        replicas=count,
        slots=slots,
        agents=agents,
        nodes=len(fabric.node_kind),
        entries=entries,
        blocks=(rep.kv_tokens // lowered.limits.block_tokens).astype(np.int64),
        block_tokens=lowered.limits.block_tokens,
        cache_rows=cache_rows,
        balanced=lowered.limits.router == LEAST_LOADED,
        latency_s=lowered.frontend_s + sums_of_rows(rep.ingress_start, way_in_s),
        remote=sums_of_rows(rep.coflow_start, outside.astype(np.float64)) > 0,
        capacity=FIRST_ROWS + 2 * lowered.limits.max_seqs,
        sample_s=max(SHORTEST_SAMPLE_S, horizon / SAMPLES_A_RUN),
        log_steps=log_steps,
    )


def _cache_shape(world: World, replicas: int) -> tuple[int, int]:
    """Rows and columns of the prefix cache.

    Raises:
        CapacityError: it would not fit in memory.
    """
    agents = world.agents.agents
    if not world.limits.prefix_cache:
        return 1, 1
    if agents and world.limits.router == SESSION_STICKY:
        return 1, agents
    entries = max(agents or int(world.requests.entry.max(initial=-1)) + 1, 1)
    if replicas * entries > MAX_CACHE_CELLS:
        raise CapacityError(
            "the prefix cache", MAX_CACHE_CELLS, "use fewer agents or replicas, or a shorter trace"
        )
    return replicas, entries


def _last_arrival_s(world: World) -> float:
    arrivals = world.requests.arrival_s
    return float(arrivals[-1]) if len(arrivals) else 1.0
