"""The journal: replayed it is the design, whatever was done; what is torn is left out."""

import contextlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.loader import load_catalog
from engine.errors import FileError, TopologyError
from engine.scenario.design import Deployment, Design, Precision, PriceEntry, PriceList, Tenant
from engine.scenario.editor import DesignEditor
from engine.scenario.hashing import design_hash
from engine.storage import journal
from engine.storage.journal import JournalHead, JournalWriter, base_of, read_journal, replay
from engine.topology.changes import (
    Batch,
    Change,
    DropElements,
    DropGroups,
    DropLinks,
    MoveElements,
    PutElements,
    PutGroups,
    PutLinks,
    SetSection,
)
from engine.topology.elements import Group, Override
from engine.topology.quick_add import new_element
from engine.topology.rules import Proposal, best_ports, link_of
from engine.workload.profiles import PROFILES
from engine.workload.spec import WorkloadSpec

SHOP = load_catalog()
SPECS = ("panjiu-al128-2x64", "hpn7-leaf", "zhenwu-m890", "xuantie-c950-host")


def sections(take: st.DrawFn, design: Design) -> Change:
    """A change of some section, with every type of value among them."""
    pool = msgspec.structs.replace(
        design.deployment, tp=take(st.sampled_from([1, 2, 8])), precision=Precision.FP8
    )
    price = PriceEntry(amount=take(st.floats(0, 1e9)), currency="CNY", estimate=False)
    return take(
        st.sampled_from(
            [
                SetSection("name", "Another"),
                SetSection("deployment", pool),
                SetSection("pools", (Deployment(name="b", service="b"),)),
                SetSection("tenants", (Tenant(name="t", workload=WorkloadSpec()),)),
                SetSection("workload", PROFILES["mooncake-chat"](SHOP, 2.5, 131_072)),
                SetSection("prices", PriceList(entries={"zhenwu-m890": price})),
            ]
        )
    )


def change_of(take: st.DrawFn, editor: DesignEditor) -> Change:
    topology = editor.topology
    ids = list(topology.elements)
    what = take(st.integers(0, 7))
    place = st.floats(-1e4, 1e4)
    if what <= 1 or not ids:
        spec = SHOP.device(take(st.sampled_from(SPECS)))
        element = new_element(topology, spec, take(place), take(place), take(st.integers(1, 9)))
        own = {"power_w": Override(value=take(st.floats(0, 1e6)), reason="m\n\u4e2d")}
        return PutElements((msgspec.structs.replace(element, overrides=own),))
    name = take(st.sampled_from(ids))
    if what == 2:
        return MoveElements((name,), ((take(place), take(place)),))
    if what == 3:
        links = tuple(link.id for link in topology.links_of(name))
        return Batch((DropLinks(links), DropElements((name,))))
    if what == 4:
        offer = best_ports(topology, SHOP, name, take(st.sampled_from(ids)))
        if isinstance(offer, Proposal):
            return PutLinks((link_of(offer, f"l{len(topology.links)}"),))
    if what == 5:
        return PutGroups((Group(id=f"g{len(topology.groups)}", name="G"),))
    if what == 6 and topology.groups:
        return DropGroups((next(iter(topology.groups)),))
    return sections(take, editor.snapshot())


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_replay_gives_the_very_design_also_after_undo(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    editor = DesignEditor(Design(name="base"), SHOP)
    writer = JournalWriter(folder, "one")
    writer.begin(JournalHead(name="base"), base_of(editor.snapshot(), SHOP))
    with contextlib.ExitStack() as ending:
        ending.callback(writer.leave)
        edit(data.draw, editor, writer)
    found = read_journal(writer.path)
    assert found.lost == 0
    design, failed = replay(writer.base_path, found.changes, SHOP)
    assert failed == 0
    assert design == editor.snapshot()
    assert design_hash(design) == design_hash(editor.snapshot())
    writer.end()
    assert list(folder.iterdir()) == []


def edit(take: st.DrawFn, editor: DesignEditor, writer: JournalWriter) -> None:
    """Some random edits, each written; now and then one is undone."""
    undo: list[Change] = []
    for _ in range(take(st.integers(0, 25))):
        if undo and take(st.booleans()) and take(st.booleans()):
            change = undo.pop()
        else:
            change = change_of(take, editor)
        try:
            inverse = editor.apply(change)
        except TopologyError:
            continue
        undo.append(inverse)
        writer.add(change)


@pytest.fixture
def written(tmp_path: Path) -> JournalWriter:
    writer = JournalWriter(tmp_path, "one")
    writer.begin(JournalHead(name="d", path="/x"), base_of(Design(name="d"), SHOP))
    for number in range(5):
        writer.add(SetSection("name", f"name {number}"))
    writer.leave()
    return writer


def test_a_torn_tail_costs_the_last_command_only(written: JournalWriter) -> None:
    data = written.path.read_bytes()
    last = data[:-1].rfind(b"\n") + 1
    for cut in range(last, len(data)):
        written.path.write_bytes(data[:cut])
        found = read_journal(written.path)
        assert len(found.changes) == 4
        design, _ = replay(written.base_path, found.changes, SHOP)
        assert design.name == "name 3"


def test_a_damaged_line_ends_what_is_read(written: JournalWriter) -> None:
    data = bytearray(written.path.read_bytes())
    place = bytes(data).index(b"name 2")
    data[place] ^= 1
    written.path.write_bytes(bytes(data))
    found = read_journal(written.path)
    assert [change.value for change in found.changes] == ["name 0", "name 1"]  # type: ignore[union-attr]
    assert found.lost == 3


@pytest.mark.parametrize("content", [b"", b"nonsense", b"00000000 {}\n", b"\xff" * 100])
def test_what_is_no_journal_is_refused(written: JournalWriter, content: bytes) -> None:
    written.path.write_bytes(content)
    with pytest.raises(FileError, match="delete it"):
        read_journal(written.path)


def test_a_change_that_no_longer_fits_ends_the_replay(written: JournalWriter) -> None:
    changes = (SetSection("name", "a"), DropElements(("nobody",)), SetSection("name", "b"))
    design, failed = replay(written.base_path, changes, SHOP)
    assert (design.name, failed) == ("a", 2)


def test_a_base_that_is_gone_is_told(written: JournalWriter) -> None:
    written.base_path.unlink()
    with pytest.raises(FileError):
        replay(written.base_path, (), SHOP)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(FileError, match=r"check the folder|cannot be written"):
        JournalWriter(blocked, "one").begin(JournalHead(), b"")


def test_a_long_journal_asks_to_begin_again(
    written: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "TURN_BYTES", 200)
    written.begin(JournalHead(), base_of(Design(), SHOP))
    assert not written.is_long
    written.add(SetSection("note", "x" * 300))
    assert written.is_long
    written.end()
