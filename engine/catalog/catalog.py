"""Catalog: everything in the shop, found by id."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.catalog.device_names import find_by_name
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.catalog.figures import Figure
from engine.catalog.llm_names import find_llm_by_name
from engine.catalog.llms import LlmSpec
from engine.errors import CatalogError

_PALETTE_ORDER = (
    DeviceKind.RACK,
    DeviceKind.CHIP,
    DeviceKind.HOST,
    DeviceKind.SWITCH,
    DeviceKind.NIC,
    DeviceKind.STORAGE,
    DeviceKind.CLIENT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Devices, LLMs and general figures by id; `version` is the date of the figures."""

    version: str
    devices: Mapping[str, DeviceSpec]
    llms: Mapping[str, LlmSpec]
    figures: Mapping[str, Figure]

    def device(self, name: str) -> DeviceSpec:
        """The device of an id.

        Raises:
            CatalogError: there is none; the text names the nearest ids.
        """
        found = self.devices.get(name)
        if found is None:
            raise CatalogError(
                f"device '{name}'", "is not in the catalogue", _near(name, self.devices)
            )
        return found

    def find_device(self, name: str) -> DeviceSpec | None:
        """The device that a public name means, or None: by id, name or alias.

        Case, blanks and `-_./` do not count, nor does the vendor's name at the front:
        "NVIDIA H100 80GB HBM3", "h100-sxm" and "nvidia-h100" are one chip.
        """
        return find_by_name(self.devices.values(), name)

    def llm(self, name: str) -> LlmSpec:
        """The LLM of an id.

        Raises:
            CatalogError: there is none; the text names the nearest ids.
        """
        found = self.llms.get(name)
        if found is None:
            raise CatalogError(
                f"model '{name}'", "is not in the catalogue", _near(name, self.llms)
            )
        return found

    def find_llm(self, name: str) -> LlmSpec | None:
        """The LLM that a public name means, or None where none or more than one answers.

        By id, name or alias without regard to case, blanks, `-`, `_` and `.`, nor to a vendor
        before the last `/`; suffixes such as -Instruct, -FP8 or -2507 are dropped one by one
        until a name is known.
        """
        return find_llm_by_name(self.llms.values(), name)

    def figure(self, name: str) -> Figure:
        """A general figure (economics, workload statistics) of an id.

        Raises:
            CatalogError: there is none; the text names the nearest ids.
        """
        found = self.figures.get(name)
        if found is None:
            raise CatalogError(
                f"figure '{name}'", "is not in the catalogue", _near(name, self.figures)
            )
        return found

    def palette(self) -> list[tuple[DeviceKind, list[DeviceSpec]]]:
        """Devices grouped by kind in the order of the palette; inside a group as in the files."""
        groups = []
        for kind in _PALETTE_ORDER:
            members = [spec for spec in self.devices.values() if spec.kind is kind]
            if members:
                groups.append((kind, members))
        return groups


def _near(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
    return f"did you mean {' or '.join(matches)}?" if matches else "choose one from the palette"
