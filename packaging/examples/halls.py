"""Examples of whole halls, drawn with arrays."""

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind
from engine.scenario.design import Deployment, Design, RunSettings, Slo
from engine.topology.elements import Element
from engine.topology.generators import HallPlan, hall
from engine.topology.layout import GRID, element_size
from examples.shared import ESTIMATES, chats, priced

RACKS, CLIENTS = 64, 8
COLUMNS = 5  # of the racks of a pod
ROW_Y = (96, 512, 736)  # spines, leaves, racks and clients
HALL_NOTE = (
    "A hall: 64 AL128 racks with 8,192 chips serve 1,024 replicas of Qwen3.5-397B-A17B, asked "
    "1,280 times a second. Racks of a pod hang on two leaves, all leaves on all spines, 1.5 to 1 "
    "oversubscribed; each pod is one array, so the hall is a dozen elements. Press Play: chips are "
    "the bottleneck, the fabric has room. Zoom in until single chips show. Try: Analysis shows the "
    "cut of each tier; select the spines and press Ctrl+Shift+F to see what their loss costs. "
    + ESTIMATES
)


def hall_of_racks(catalog: Catalog) -> Design:
    """64 AL128 racks in pods under leaves and spines."""
    drawing = hall(catalog, HallPlan(RACKS, clients=CLIENTS))
    design = Design(
        name="Hall of 64 racks",
        note=HALL_NOTE,
        elements=_placed(drawing.elements, catalog),
        links=drawing.links,
        deployment=Deployment(model="qwen35_397b_a17b", tp=8),
        workload=chats(20.0 * RACKS),
        slo=Slo(ttft_s=2.0, tpot_s=0.05),
        run=RunSettings(until_s=120.0, seed=1),
    )
    return priced(design, catalog)


def _placed(elements: tuple[Element, ...], catalog: Catalog) -> tuple[Element, ...]:
    """The same elements, pods beside each other with their leaves above, spines over all."""
    wide = [
        msgspec.structs.replace(e, columns=min(COLUMNS, e.count)) if e.kind is DeviceKind.RACK
        else msgspec.structs.replace(e, columns=2 if e.kind is DeviceKind.CLIENT else 0)
        for e in elements
    ]  # fmt: skip
    sizes = {e.id: element_size(e, catalog.device(e.spec)) for e in wide}
    stacks = [("border-0", "client-0")]
    pods = sum(e.kind is DeviceKind.RACK for e in wide)
    stacks += [(f"leaf-{pod}", f"rack-{pod}-0") for pod in range(pods)]
    centres: dict[str, float] = {}
    x = 96.0
    for leaf, below in stacks:
        width = max(sizes[leaf][0], sizes[below][0])
        centres[leaf] = centres[below] = x + width / 2
        x += width + 112.0
    centres["spine"] = (96.0 + x) / 2
    rows = {DeviceKind.RACK: ROW_Y[2], DeviceKind.CLIENT: ROW_Y[2]}
    placed = []
    for element in wide:
        row = ROW_Y[0] if element.id == "spine" else rows.get(element.kind, ROW_Y[1])
        left = round((centres[element.id] - sizes[element.id][0] / 2) / GRID) * GRID
        placed.append(msgspec.structs.replace(element, x=float(left), y=float(row)))
    return tuple(placed)
