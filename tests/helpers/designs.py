"""Small drawings for tests of the analysis: drawn at random, and fabrics of the literature."""

import itertools

import msgspec
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from engine.scenario.design import Design
from engine.topology.elements import Element, Link
from engine.topology.generators import cable, draw

SHOP = load_catalog()
PORT_BYTES_PER_S = 50e9 * 0.97  # of the leaf in the catalogue, usable


@st.composite
def clusters(take: st.DrawFn) -> Design:
    """Hosts with chips on leaves under spines, of uneven sizes, with cables that are missing."""
    elements: list[Element] = []
    links: list[Link] = []

    def join(a: tuple[Element, str], b: tuple[Element, str], most: int) -> None:
        count = take(st.integers(0, most))
        if not count:
            return
        link = cable(SHOP, f"k{len(links)}", a, b, count)
        member = take(st.integers(-1, b[0].count - 1)) if take(st.booleans()) else -1
        links.append(
            msgspec.structs.replace(link, b=msgspec.structs.replace(link.b, member=member))
        )

    leaves = [
        draw(SHOP, "hpn7-leaf", f"leaf{i}", f"L{i}", 0, 0, take(st.integers(1, 3)))
        for i in range(take(st.integers(1, 2)))
    ]
    spine = draw(SHOP, "hpn7-spine", "spine", "S", 0, 0, take(st.integers(1, 3)))
    for i in range(take(st.integers(2, 3))):
        chip = draw(SHOP, "nvidia-h20", f"chip{i}", f"C{i}", 0, 0, take(st.integers(1, 3)))
        host = draw(SHOP, "x86-host", f"host{i}", f"H{i}", 0, 0)
        elements += [chip, host]
        links.append(cable(SHOP, f"p{i}", (chip, "pcie"), (host, "pcie"), 1))
        for leaf in leaves:
            join((host, "eth"), (leaf, "port"), 2)
    for leaf in leaves:
        join((leaf, "port"), (spine, "port"), 3)
    return Design(elements=(*elements, *leaves, spine), links=tuple(links))


def fat_tree(shop: Catalog, k: int) -> Design:
    """The three-tier fat tree of k-port switches: every host carries one chip."""
    half = k // 2
    elements: list[Element] = []
    links: list[Link] = []
    cores = [draw(shop, "hpn7-spine", f"core{i}", f"Core {i}", 0, 0, half) for i in range(half)]
    for pod in range(k):
        aggs = [
            draw(shop, "hpn7-spine", f"agg{pod}-{i}", f"A{pod}-{i}", 0, 0) for i in range(half)
        ]
        for i, agg in enumerate(aggs):
            links.append(cable(shop, f"u{pod}-{i}", (agg, "port"), (cores[i], "port"), 1))
        for i in range(half):
            edge = draw(shop, "hpn7-leaf", f"edge{pod}-{i}", f"E{pod}-{i}", 0, 0)
            host = draw(shop, "x86-host", f"host{pod}-{i}", f"H{pod}-{i}", 0, 0, half)
            elements += [edge, host]
            links.append(cable(shop, f"h{pod}-{i}", (host, "eth"), (edge, "port"), 1))
            links += [
                cable(shop, f"e{pod}-{i}-{j}", (edge, "port"), (agg, "port"), 1)
                for j, agg in enumerate(aggs)
            ]
        elements += aggs
    return Design(elements=(*elements, *cores), links=tuple(links))


def with_chips(shop: Catalog, design: Design, spec: str = "nvidia-h20") -> Design:
    """One chip on every drawn host, or on every leaf where there are no hosts."""
    hosts = [e for e in design.elements if e.kind.value == "host"]
    elements: list[Element] = list(design.elements)
    links: list[Link] = list(design.links)
    for host in hosts:
        for member in range(host.count):
            chip = draw(shop, spec, f"{host.id}-chip{member}", f"{host.name} chip", 0, 0)
            link = cable(shop, f"{host.id}-p{member}", (chip, "pcie"), (host, "pcie"), 1)
            end = msgspec.structs.replace(link.b, member=member)
            elements.append(chip)
            links.append(msgspec.structs.replace(link, b=end))
    return msgspec.structs.replace(design, elements=tuple(elements), links=tuple(links))


def torus(shop: Catalog, k: int, dimensions: int) -> Design:
    """A torus of switches, each with one host that carries one chip."""
    places = list(itertools.product(range(k), repeat=dimensions))
    names = {place: "-".join(map(str, place)) for place in places}
    switches = {p: draw(shop, "hpn7-leaf", f"s{names[p]}", f"S{names[p]}", 0, 0) for p in places}
    hosts = {p: draw(shop, "x86-host", f"h{names[p]}", f"H{names[p]}", 0, 0) for p in places}
    links = [
        cable(shop, f"a{names[p]}", (hosts[p], "eth"), (switches[p], "port"), 2) for p in places
    ]
    for place in places:
        for axis in range(dimensions):
            after = tuple((c + (i == axis)) % k for i, c in enumerate(place))
            ends = (switches[place], "port"), (switches[after], "port")
            links.append(cable(shop, f"t{names[place]}-{axis}", *ends, 1))
    return Design(elements=(*switches.values(), *hosts.values()), links=tuple(links))


def dragonfly(shop: Catalog, p: int, a: int, h: int) -> Design:
    """a routers a group, each with p hosts and h global links; groups = a h + 1, one link a pair."""
    groups = a * h + 1
    routers = {
        (g, r): draw(shop, "hpn7-leaf", f"r{g}-{r}", f"R{g}-{r}", 0, 0)
        for g in range(groups)
        for r in range(a)
    }
    hosts = {
        key: draw(shop, "x86-host", f"h{key[0]}-{key[1]}", f"H{key[0]}-{key[1]}", 0, 0, p)
        for key in routers
    }
    links = [
        cable(shop, f"p{g}-{r}", (hosts[g, r], "eth"), (router, "port"), 1)
        for (g, r), router in routers.items()
    ]
    for g in range(groups):
        for r, s in itertools.combinations(range(a), 2):
            ends = (routers[g, r], "port"), (routers[g, s], "port")
            links.append(cable(shop, f"l{g}-{r}-{s}", *ends, 1))
    for g, other in itertools.combinations(range(groups), 2):
        ends = (
            (routers[g, (other - g - 1) // h], "port"),
            (routers[other, (g - other - 1) % groups // h], "port"),
        )
        links.append(cable(shop, f"g{g}-{other}", *ends, 1))
    return Design(elements=(*routers.values(), *hosts.values()), links=tuple(links))
