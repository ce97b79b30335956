"""A design's own LLMs: laid over the catalogue, added with unique ids."""

from dataclasses import replace

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.llms import LlmSpec
from engine.scenario.design import Design
from engine.scenario.own_devices import with_own_devices

OWN = "own:"


def design_catalog(design: Design, catalog: Catalog) -> Catalog:
    """The catalogue with the design's own models and devices, so that it may name them."""
    if design.llms:
        own = {llm.id: llm for llm in design.llms}
        catalog = replace(catalog, llms={**catalog.llms, **own})
    return with_own_devices(design, catalog)


def with_own_model(llms: tuple[LlmSpec, ...], llm: LlmSpec) -> tuple[tuple[LlmSpec, ...], LlmSpec]:
    """Own models with one more, and that one as it was added.

    The same architecture under the same name is there once; another one under a taken id gets a
    number in id and name.
    """
    wanted = llm if llm.id.startswith(OWN) else msgspec.structs.replace(llm, id=OWN + llm.id)
    taken = {own.id: own for own in llms}
    added, number = wanted, 1
    while added.id in taken:
        if taken[added.id] == added:
            return llms, taken[added.id]
        number += 1
        added = msgspec.structs.replace(
            wanted, id=f"{wanted.id}_{number}", name=f"{wanted.name} ({number})"
        )
    return (*llms, added), added
