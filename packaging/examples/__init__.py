"""The examples that are shipped: a function a design, and the table that the program lists."""

from collections.abc import Callable
from typing import NamedTuple

from engine.catalog.catalog import Catalog
from engine.scenario.design import Design
from examples.halls import hall_of_racks
from examples.racks import al128_agents, oversubscribed_pair, prefill_decode
from examples.small import chip_and_host, mesh_of_chips


class Shipped(NamedTuple):
    """One example: the name of its file without ending, what the lists say, and its design."""

    id: str
    title: str
    summary: str
    make: Callable[[Catalog], Design]


EXAMPLES: tuple[Shipped, ...] = (
    Shipped(
        "one-chip",
        "One chip and a host",
        "The smallest thing that serves: one M890, its host and clients. See how a queue grows.",
        chip_and_host,
    ),
    Shipped(
        "mesh-8",
        "Mesh of eight chips",
        "Eight M890 linked each to each serve one large model with tensor parallelism.",
        mesh_of_chips,
    ),
    Shipped(
        "al128-agents",
        "One AL128 with coding agents",
        "A rack of 128 chips, two leaves and a model store serve 800 coding agents.",
        al128_agents,
    ),
    Shipped(
        "al128-oversubscribed",
        "Two AL128, oversubscribed",
        "Experts are spread over two racks; too few cables between them hold every step up.",
        oversubscribed_pair,
    ),
    Shipped(
        "prefill-decode",
        "Prefill and decode across racks",
        "One rack reads prompts, the other writes answers; the KV moves over the drawn fabric.",
        prefill_decode,
    ),
    Shipped(
        "hall-64",
        "Hall of 64 racks",
        "8,192 chips under leaves and spines: a whole hall, drawn with arrays.",
        hall_of_racks,
    ),
)
