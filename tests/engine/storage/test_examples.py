"""The shipped examples are what the code writes, pass all checks and serve; a bad index is told."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import cli
from engine.catalog.catalog import Catalog
from engine.errors import DamagedFileError, FileError, TooLargeError
from engine.metrics.summary import Summary, summarise
from engine.scenario.design import Design, PoolRole
from engine.scenario.scenario import Scenario
from engine.sim.prepare import prepare_simulation
from engine.storage.examples import INDEX, Example, examples_folder, load_examples
from engine.storage.project_file import encode_design, load_design

PACKAGING = Path(__file__).parents[3] / "packaging"
IDS = [example.id for example in load_examples()]


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The module that writes the examples."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    import make_examples

    yield make_examples
    for name in [n for n in sys.modules if n.split(".")[0] in ("make_examples", "examples")]:
        del sys.modules[name]


def example(example_id: str) -> Example:
    return next(item for item in load_examples() if item.id == example_id)


def design_of(example_id: str) -> Design:
    return load_design(example(example_id).path()).design


def ran(design: Design, shop: Catalog, until_s: float) -> Summary:
    scenario = Scenario(design=design, catalog=shop, until_s=until_s, seed=1)
    simulation, lowered = prepare_simulation(scenario)
    simulation.run_to_end()
    return summarise(simulation.results(), lowered, scenario)


def test_the_files_are_what_the_code_writes(generator: object, shop: Catalog) -> None:
    shipped = generator.EXAMPLES  # type: ignore[attr-defined]
    written = {f"{item.id}.rackflow" for item in shipped}
    assert {path.name for path in examples_folder().iterdir()} == {*written, INDEX}
    assert (examples_folder() / INDEX).read_bytes() == generator.index()  # type: ignore[attr-defined]
    for item in shipped:
        path = examples_folder() / f"{item.id}.rackflow"
        assert path.read_bytes() == encode_design(item.make(shop), shop), item.id


def test_there_are_six_and_each_says_what_it_shows_and_what_to_try() -> None:
    examples = load_examples()
    assert len(examples) >= 6
    for item in examples:
        assert item.summary.endswith("."), item.id
        assert len(item.summary) < 100, item.id
        note = load_design(item.path()).design.note
        assert "Press Play" in note, item.id
        assert "Try: " in note, item.id


@pytest.mark.parametrize("example_id", IDS)
def test_an_example_has_no_findings(example_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["validate", str(example(example_id).path())]) == cli.OK
    assert "no findings" in capsys.readouterr().out


@pytest.mark.parametrize("example_id", IDS)
def test_an_example_serves_within_seconds(example_id: str, shop: Catalog) -> None:
    summary = ran(design_of(example_id), shop, 10.0)
    assert summary.output_tokens_per_s > 0
    assert summary.requests_completed > 0
    assert summary.bottlenecks


def test_the_oversubscribed_pair_is_held_up_between_its_racks(shop: Catalog) -> None:
    summary = ran(design_of("al128-oversubscribed"), shop, 20.0)
    first = summary.bottlenecks[0]
    assert first.resource.startswith("scale-out network")
    assert set(first.link_ids) & {"leaf-0-spine", "leaf-1-spine"}


def test_prefill_and_decode_lie_on_racks_of_their_own(shop: Catalog) -> None:
    design = design_of("prefill-decode")
    roles = {pool.role: pool.chips for pool in design.all_pools()}
    assert roles == {PoolRole.PREFILL: ("rack-0",), PoolRole.DECODE: ("rack-1",)}
    summary = ran(design, shop, 10.0)
    moved = [row for row in summary.bottlenecks if row.cause == "kv_transfer"]
    assert moved
    assert moved[0].share > 0


def test_the_hall_has_64_racks_in_a_dozen_elements(shop: Catalog) -> None:
    design = design_of("hall-64")
    racks = sum(e.count for e in design.elements if e.spec.startswith("panjiu-al128"))
    assert racks == 64
    assert len(design.elements) <= 16


# ---------------------------------------------------------------------- a bad index


def entry(**changes: str) -> dict[str, str]:
    return {"id": "a", "file": "a.rackflow", "title": "A", "summary": "B.", **changes}


def write(folder: Path, content: object) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / INDEX).write_text(text)


def test_the_order_of_the_index_is_kept(tmp_path: Path) -> None:
    write(tmp_path, {"examples": [entry(id="z"), entry(id="b"), entry(id="m")]})
    assert [item.id for item in load_examples(tmp_path)] == ["z", "b", "m"]
    assert load_examples(tmp_path)[0].path(tmp_path) == tmp_path / "a.rackflow"


def test_an_index_that_is_gone_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"index\.json.*install Rackflow again"):
        load_examples(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "truncated"),
        ("\x00", "malformed"),
        ("[" * 5000, "index"),
        ({"examples": 3}, "examples"),
        ({"examples": [entry(more="x")]}, "more"),
        ({"examples": [{"id": "a"}]}, "file"),
        ({"examples": [entry(), entry()]}, r"examples\[1\].id 'a' comes twice"),
        ({"examples": [entry(file="../a.rackflow")]}, r"examples\[0\].file"),
        ({"examples": [entry(file="/etc/passwd")]}, r"examples\[0\].file"),
        ({"examples": [entry(file="a.json")]}, r"examples\[0\].file"),
        ({"examples": [entry(title=" ")]}, r"examples\[0\].title"),
        ({"examples": [entry(id=str(i)) for i in range(101)]}, "101 examples"),
    ],
)
def test_a_damaged_index_is_refused_with_the_place(
    tmp_path: Path, content: object, said: str
) -> None:
    write(tmp_path, content)
    with pytest.raises(DamagedFileError, match=said):
        load_examples(tmp_path)


def test_a_huge_index_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, " " * 100_001)
    with pytest.raises(TooLargeError):
        load_examples(tmp_path)
