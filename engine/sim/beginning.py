"""The beginning of a run: what it reads, its routes and its empty state, from lowered tables."""

import numpy as np
from numpy.typing import NDArray

from engine.errors import CapacityError
from engine.sim.codes import LinkClass
from engine.sim.kernels.world import POOL, SESSION_STICKY, TENANT, World
from engine.sim.like_links import LikeLinks, merge_links
from engine.sim.lower import Lowered
from engine.sim.own_links import sums_of_rows
from engine.sim.state import State, new_state
from engine.sim.tables import AgentTables, RequestTables

F8 = NDArray[np.float64]

FIRST_ROWS = 4096
MOST_ROWS = 250_000  # of finished requests: 42 MB
FIRST_SLOTS = 1024
MAX_CACHE_CELLS = 40_000_000  # 2.2 GB
SAMPLES_A_RUN = 1000
SHORTEST_SAMPLE_S = 0.25


def make_world(lowered: Lowered, seed: int, own_bytes_per_s: F8, jump: int) -> World:
    """What the kernels read; `own_bytes_per_s` [replicas] from `own_rates`, `jump` steps ahead."""
    agents, requests = lowered.agents, lowered.requests
    empty4 = np.empty(0, np.int32)
    if requests is None:
        requests = RequestTables(np.empty(0), empty4, empty4, np.zeros(1, np.int64), empty4, 0, 0)
    if agents is None:
        agents = no_agents(len(lowered.tenants))
    return World(
        timing=lowered.timing,
        pools=np.array([tuple(pool.limits) for pool in lowered.pools], POOL),
        services=lowered.services,
        transfers=lowered.transfers,
        tenants=np.array([tuple(tenant) for tenant in lowered.tenants], TENANT),
        requests=requests,
        agents=agents,
        host_cores=lowered.host_cores,
        think_share=think_shares(agents),
        seed=seed,
        replicas=lowered.replicas.total,
        most_seqs=max(pool.limits.max_seqs for pool in lowered.pools),
        most_rows=MOST_ROWS,
        own_bytes_per_s=own_bytes_per_s,
        jump=jump,
    )


def no_agents(tenants: int) -> AgentTables:
    """Tables of a world of open loops only."""
    none = np.empty(0, np.int32)
    return AgentTables(
        agents=0,
        distributions=np.ones((tenants, 8, 4)),
        steps_per_task=np.ones(tenants),
        growth_ratio=np.zeros(tenants),
        compact_to=np.full(tenants, 0.5),
        window_tokens=np.zeros(tenants, np.int64),
        warm_start=np.zeros(tenants, np.bool_),
        tenant=none,
        host_of_agent=none,
        parent=none,
        first_child=none,
        subagents=np.zeros(tenants, np.int64),
        fanout_share=np.zeros(tenants),
        subagent_steps=np.ones(tenants),
        tool_fail_share=np.zeros(tenants),
        tool_timeout_s=np.zeros(tenants),
    )


def think_shares(agents: AgentTables) -> F8:
    """[tenants] share of time that an agent's person thinks, from the means of its distributions.

    Steps take their tools' time and some seconds of the model; the model's part is small and
    unknown before the run, 5 s a step stand for it.
    """
    shares = np.zeros(len(agents.steps_per_task))
    for tenant in np.unique(agents.tenant):
        tool = _clipped_mean(agents.distributions[tenant, 3])
        think = _clipped_mean(agents.distributions[tenant, 4])
        steps = agents.steps_per_task[tenant]
        shares[tenant] = think / (think + steps * 5.0 + (steps - 1.0) * tool)
    return shares


def _clipped_mean(row: F8) -> float:
    """Mean of a clipped log-normal (median, sigma, low, high), by quantiles."""
    generator = np.random.default_rng(0)
    draws = row[0] * np.exp(row[1] * generator.standard_normal(20_000))
    return float(np.clip(draws, row[2], row[3]).mean())


def make_routes(lowered: Lowered, own_bytes_per_s: F8, *, whole: bool = False) -> LikeLinks:
    """Routes in the order coflows, ways in, ways out, ways of KV and weights, over links none of which are alike.

    Coflows on links of their own have no route: how long they take is known without the network.
    With `whole` they have one, as links may become shared.
    """
    rep, moves = lowered.replicas, lowered.transfers
    hops = np.diff(rep.coflow_start)
    shared = (own_bytes_per_s == 0.0) | whole
    kept = np.repeat(shared, hops)
    parts = (
        (np.where(shared, hops, 0), rep.coflow_link[kept], rep.coflow_weight[kept]),
        (np.diff(rep.ingress_start), rep.ingress_link, rep.ingress_weight),
        (np.diff(rep.egress_start), rep.egress_link, rep.egress_weight),
        (np.diff(moves.start), moves.link, moves.weight),
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
    count = rep.total
    agents, asked = world.agents.agents, len(world.requests.arrival_s)
    slots = agents + (min(asked, FIRST_SLOTS + 4 * count) if asked else 0)
    cache_rows, entries = _cache_shape(world, count)
    outside = fabric.link_class[rep.coflow_link] != LinkClass.SCALE_UP
    way_in_s = fabric.link_latency_s[rep.ingress_link] * rep.ingress_weight
    horizon = until_s if agents else min(until_s, _last_arrival_s(world))
    blocks = world.pools["block_tokens"]
    frontend_s = np.array([pool.frontend_s for pool in lowered.pools])
    return new_state(
        replicas=count,
        slots=max(slots, 1),
        agents=agents,
        nodes=len(fabric.node_kind),
        entries=entries,
        blocks=(rep.kv_tokens // blocks[rep.pool]).astype(np.int64),
        block_tokens=int(blocks.max()),
        cache_rows=cache_rows,
        lower_tokens=_lower_tokens(world, rep.pool),
        pool=rep.pool,
        services=lowered.services,
        tenants=len(lowered.tenants),
        latency_s=frontend_s[rep.pool] + sums_of_rows(rep.ingress_start, way_in_s),
        remote=sums_of_rows(rep.coflow_start, outside.astype(np.float64)) > 0,
        capacity=FIRST_ROWS + 2 * world.most_seqs,
        sample_s=max(SHORTEST_SAMPLE_S, horizon / SAMPLES_A_RUN),
        log_steps=log_steps,
    )


def _cache_shape(world: World, replicas: int) -> tuple[int, int]:
    """Rows and columns of the prefix cache.

    Raises:
        CapacityError: it would not fit in memory.
    """
    agents = world.agents.agents
    if not world.pools["prefix_cache"].any():
        return 1, 1
    blocks = int(world.requests.entry.max(initial=-1)) + 1
    services = world.tenants["service"][world.agents.tenant]
    at_home = (world.services.router[2 * services] == SESSION_STICKY).all()
    at_home &= not world.pools["shares"].any()
    if agents and not blocks and at_home:
        return 1, agents
    entries = max(agents + blocks, 1)
    if replicas * entries > MAX_CACHE_CELLS:
        raise CapacityError(
            "the prefix cache", MAX_CACHE_CELLS, "use fewer agents or replicas, or a shorter trace"
        )
    return replicas, entries


def _lower_tokens(world: World, pool: NDArray[np.int32]) -> NDArray[np.int64]:
    """[replicas, 2] what host memory and storage hold of prefixes; no rows where nothing does."""
    rooms = np.stack([world.pools["host_tokens"], world.pools["storage_tokens"]], axis=1)
    return rooms[pool] if rooms.any() else np.empty((0, 2), np.int64)


def _last_arrival_s(world: World) -> float:
    arrivals = world.requests.arrival_s
    return float(arrivals[-1]) if len(arrivals) else 1.0
