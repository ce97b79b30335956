"""Bands of a made-up design, for tests that do not want the Monte Carlo."""

from engine.cost.efficiency import Basis
from engine.study.design_bands import Band, DesignBands


def made_up_bands(kind: str = "prior") -> DesignBands:
    """Bands whose factors are told apart easily."""
    return DesignBands(
        chip="Chip X",
        rate=Band(0.5, 1.5),
        ttft=Band(0.7, 1.7),
        tpot=Band(0.6, 1.6),
        nominal_tpot_s=0.033,
        nominal_prefill_s=0.083,
        sequences=32,
        context_tokens=118_656,
        prompt_tokens=875,
        basis=Basis(kind=kind, rows=1234, clusters=5, why="the reason"),
        spread_rows=77,
    )
