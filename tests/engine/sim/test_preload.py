"""Preloading makes the first run quick and touches nothing."""

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.errors import EngineError
from engine.scenario.design import Deployment, Design
from engine.sim import preload as module
from engine.sim.preload import preload
from tests.helpers import worlds


def test_a_design_that_runs_is_prepared_where_kernels_are_kept(
    shop: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = worlds.one_chip(shop)
    monkeypatch.setattr(module, "kernels_are_kept", lambda: True)
    assert preload(design, shop)
    monkeypatch.setattr(module, "kernels_are_kept", lambda: False)
    assert not preload(design, shop)  # nothing is compiled for it
    assert not preload(Design(), shop)


def test_a_design_that_cannot_run_is_told(shop: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "kernels_are_kept", lambda: True)
    design = worlds.one_chip(shop)
    with pytest.raises(EngineError):
        preload(msgspec.structs.replace(design, deployment=Deployment(tp=64)), shop)
