"""What a device of the shop is: figures by standard name, ports, and for a rack its inside.

Standard figure names (SI): memory_bytes, memory_bandwidth_bytes_per_s, bf16_flops, fp8_flops,
fp4_flops, int8_flops (absent where the chip has no such format), scale_up_bytes_per_s (one
direction), power_w, idle_power_w, price_cny or price_usd, pcie_bytes_per_s (one direction),
cores, host_memory_bytes, switch_bytes_per_s (one direction), latency_s, ssd_bytes_per_s,
ssd_bytes, rack_power_limit_w, efficiency (usable fraction of a link), multiprocessors (SMs, CUs
or AI cores of a chip), in_switch_reduction (1 where a switch adds up collectives itself).
"""

from enum import StrEnum

import msgspec

from engine.catalog.figures import Figure


class DeviceKind(StrEnum):
    """What a device does in a cluster; the drawing has one element kind for each."""

    CHIP = "chip"
    HOST = "host"
    SWITCH = "switch"
    NIC = "nic"
    STORAGE = "storage"
    CLIENT = "client"
    RACK = "rack"


class Medium(StrEnum):
    """What runs over a link. Two ports connect only if they share a medium."""

    ICN = "icn"
    NVLINK = "nvlink"
    HCCS = "hccs"
    XGMI = "xgmi"
    PCIE = "pcie"
    ETHERNET = "ethernet"


class Status(StrEnum):
    """Whether a device can be bought; the palette and the proposal say so."""

    AVAILABLE = "available"
    ANNOUNCED = "announced"
    WHAT_IF = "what-if"
    PLACEHOLDER = "placeholder"


class PortSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of equal ports of a device: bandwidth is one port's, one direction, in B/s."""

    name: str
    medium: Medium
    count: int
    bandwidth_bytes_per_s: Figure
    latency_s: Figure


class RackTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The inside of a rack: `domains` scale-up domains of equal chips, their hosts and NICs.

    A domain is either `switched` (every chip has one link of `plane_link_bytes_per_s` into each
    of `planes` switches) or a `mesh` (every chip has one such link to every other). Each host
    serves `chips_per_host` chips over PCIe; each chip has `nics_per_chip` NICs whose outer ports
    are the rack's uplink ports.
    """

    chip: str
    host: str
    nic: str
    switch: str
    domains: int
    chips_per_domain: int
    chips_per_tray: int
    chips_per_host: int
    nics_per_chip: int
    fabric: str  # "switched" | "mesh"
    planes: int
    plane_link_bytes_per_s: Figure
    switch_latency_s: Figure
    medium: Medium


class DeviceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the shop.

    `family` is the architecture whose fitted efficiencies a chip shares (hopper, cdna4, zhenwu);
    `aliases` are the public names of the same part.
    """

    id: str
    kind: DeviceKind
    name: str
    vendor: str
    status: Status
    figures: dict[str, Figure]
    ports: tuple[PortSpec, ...] = ()
    rack: RackTemplate | None = None
    family: str = ""
    aliases: tuple[str, ...] = ()
    label: str = ""  # e.g. "what-if": shown next to the name
    summary: str = ""

    def figure(self, name: str) -> Figure | None:
        """The figure of a standard name, or None where the catalogue has none."""
        return self.figures.get(name)

    def value(self, name: str, default: float = 0.0) -> float:
        """The nominal value of a figure in SI, or `default` where there is none."""
        figure = self.figures.get(name)
        return default if figure is None else figure.value

    def port(self, name: str) -> PortSpec | None:
        """The port group of a name, or None."""
        return next((port for port in self.ports if port.name == name), None)
