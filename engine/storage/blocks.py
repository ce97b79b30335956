"""Blocks: parts of drawings that a user keeps for other designs, a file each in one folder."""

import re
import unicodedata
from pathlib import Path

import msgspec

from engine.catalog.devices import DeviceSpec
from engine.errors import DamagedFileError, FileError, TooLargeError
from engine.scenario.design import Design, Note
from engine.storage.atomic import write_atomic
from engine.storage.project_file import check_design
from engine.topology.elements import Element, Group, Link

FORMAT, VERSION = "rackflow-block", 1
ENDING = ".block.json"
MAX_BYTES = 16 * 2**20
MOST_BLOCKS, MOST_NAME = 500, 100
MOST_COORDINATE = 1e7


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """Elements, the links between them, whole groups and notes, as they travel.

    `devices` are the own ones of the design that the elements are of.
    """

    elements: tuple[Element, ...]
    links: tuple[Link, ...] = ()
    groups: tuple[Group, ...] = ()
    notes: tuple[Note, ...] = ()
    devices: tuple[DeviceSpec, ...] = ()

    @property
    def is_empty(self) -> bool:
        """There is nothing in it."""
        return not self.elements and not self.notes


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A fragment under a name."""

    format: str = FORMAT
    version: int = VERSION
    name: str
    parts: Fragment


def load_blocks(folder: Path) -> tuple[dict[Path, Block], list[str]]:
    """The blocks of a folder by their files, in order of their names; and what was wrong."""
    found: dict[Path, Block] = {}
    wrong = []
    files = sorted(folder.glob(f"*{ENDING}")) if folder.is_dir() else []
    for path in files[:MOST_BLOCKS]:
        try:
            found[path] = read_block(path)
        except FileError as error:
            wrong.append(str(error))
    if len(files) > MOST_BLOCKS:
        wrong.append(f"{folder} holds {len(files):,} blocks: the first {MOST_BLOCKS} are offered")
    return dict(sorted(found.items(), key=lambda pair: pair[1].name.casefold())), wrong


def read_block(path: Path) -> Block:
    """One block.

    Raises:
        FileError: it cannot be read, is too large, damaged or no block.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}", "check its rights") from None
    if len(data) > MAX_BYTES:
        raise TooLargeError(path, f"it has over {MAX_BYTES:,} bytes", "save it as a design")
    try:
        block = msgspec.json.decode(data, type=Block)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise DamagedFileError(path, f"is no block: {error}", "remove it") from None
    if block.format != FORMAT or block.version > VERSION:
        raise DamagedFileError(
            path, f"is {block.format} {block.version}, not {FORMAT} {VERSION}", "update Rackflow"
        )
    if not 0 < len(block.name.strip()) <= MOST_NAME:
        raise DamagedFileError(path, "has no name", "remove it")
    return msgspec.structs.replace(block, parts=checked_fragment(block.parts, path))


def save_block(folder: Path, block: Block) -> Path:
    """Writes a block into its file; one of the same name is replaced.

    Raises:
        FileError: it cannot be written.
    """
    known, _ = load_blocks(folder)
    path = next((p for p, other in known.items() if other.name == block.name), None)
    if path is None:
        path = _free_path(folder, block.name)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(path, msgspec.json.format(msgspec.json.encode(block), indent=1))
    return path


def shift_to(fragment: Fragment, x: float, y: float) -> tuple[float, float]:
    """How far a fragment is moved to have its upper left corner at a point."""
    corners = [(part.x, part.y) for parts in (fragment.elements, fragment.notes) for part in parts]
    left, top = min(a for a, _ in corners), min(b for _, b in corners)
    return x - left, y - top


def checked_fragment(parts: Fragment, place: Path | str) -> Fragment:
    """A fragment whose elements are in no group but its own: ids of others mean nothing elsewhere.

    Raises:
        DamagedFileError: it could not be a part of a design; `place` stands before the reason.
    """
    if parts.is_empty:
        raise DamagedFileError(place, "has nothing in it", "copy it anew")
    places = [
        value for things in (parts.elements, parts.notes) for t in things for value in (t.x, t.y)
    ]
    if any(not abs(value) <= MOST_COORDINATE for value in places):
        raise DamagedFileError(place, "has a part far away from the others", "copy it anew")
    known = {group.id for group in parts.groups}
    loose = tuple(
        element if element.group in known else msgspec.structs.replace(element, group="")
        for element in parts.elements
    )
    design = Design(
        elements=loose, links=parts.links, groups=parts.groups, notes=parts.notes,
        devices=parts.devices,
    )  # fmt: skip
    check_design(design, place)
    return msgspec.structs.replace(parts, elements=loose)


def _free_path(folder: Path, name: str) -> Path:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:40] or "block"
    number, path = 1, folder / f"{stem}{ENDING}"
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{ENDING}"
    return path
