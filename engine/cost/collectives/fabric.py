"""The fabric of a collective in a few numbers, and the one that a chip's data sheet implies.

Here belong bandwidths, latencies and shapes; what a library makes of them is in `parameters`.
"""

from dataclasses import dataclass

from engine.catalog.devices import DeviceSpec, Medium

# A chip-to-chip hop of each medium as the catalogue draws it (port, switch or wire, port), the
# latency that measured step times already contain.
REFERENCE_HOP_S = {
    "nvlink": 0.95e-6,
    "icn": 0.95e-6,
    "hccs": 1.2e-6,
    "xgmi": 0.5e-6,
    "pcie": 0.8e-6,
}
IN_SWITCH_FAMILIES = frozenset({"hopper", "blackwell"})  # NVLink SHARP from the third switch on
DOMAIN_RANKS = {
    "zhenwu-m890": 64,
    "nvidia-gb200": 72,
    "nvidia-gb300": 72,
    "ascend-910c": 768,
    "ascend-950dt": 8192,
}
DIES = {"ascend-910c": 2, "amd-mi250x": 2}  # chips whose dies are ranks of their own
MESH_MEDIA = frozenset({"xgmi"})
NODE_RANKS = 8
NIC_BYTES_PER_S = 50e9  # a 400G NIC for every rank, as servers of eight chips have
NIC_LATENCY_S = 2e-6

_SCALE_UP = (Medium.NVLINK, Medium.XGMI, Medium.HCCS, Medium.ICN)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectiveFabric:
    """What a collective runs on. Bandwidths are of one rank and one direction, in bytes/s.

    `kind` is nvlink, xgmi, hccs, icn or pcie. `oversubscription` divides the NICs' rate between
    domains. In a `mesh` every rank has its own link to each other one of the domain, so that n of
    them use n - 1 links only.
    """

    port_bytes_per_s: float
    hop_s: float
    in_switch: bool
    kind: str
    ranks_per_domain: int
    nic_bytes_per_s: float = NIC_BYTES_PER_S
    nic_latency_s: float = NIC_LATENCY_S
    oversubscription: float = 1.0
    mesh: bool = False

    def usable_port_bytes_per_s(self, ranks: int) -> float:
        """The part of a rank's port that `ranks` of its domain can use, in bytes/s."""
        if self.mesh and self.ranks_per_domain > 1:
            peers = min(ranks, self.ranks_per_domain) - 1
            return self.port_bytes_per_s * max(peers, 1) / (self.ranks_per_domain - 1)
        return self.port_bytes_per_s


def chip_fabric(
    chip: DeviceSpec,
    *,
    ranks_per_domain: int | None = None,
    nic_bytes_per_s: float = NIC_BYTES_PER_S,
    nic_latency_s: float = NIC_LATENCY_S,
) -> CollectiveFabric:
    """The fabric of a usual server or rack of a chip, from its catalogue figures."""
    media = {port.medium for port in chip.ports}
    kind = next((medium.value for medium in _SCALE_UP if medium in media), Medium.PCIE.value)
    fallback = chip.value("pcie_bytes_per_s")
    dies = DIES.get(chip.id, 1)
    return CollectiveFabric(
        port_bytes_per_s=(chip.value("scale_up_bytes_per_s", fallback) or fallback) / dies,
        hop_s=REFERENCE_HOP_S[kind],
        in_switch=kind == "nvlink" and chip.family in IN_SWITCH_FAMILIES,
        kind=kind,
        ranks_per_domain=ranks_per_domain or DOMAIN_RANKS.get(chip.id, NODE_RANKS * dies),
        nic_bytes_per_s=nic_bytes_per_s,
        nic_latency_s=nic_latency_s,
        mesh=kind in MESH_MEDIA,
    )
