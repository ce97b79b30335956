"""Hash blocks of prompts: their ids made dense, joined to larger ones, and what a cache could hit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.workload.trace import RequestTrace

I4 = NDArray[np.int32]
I8 = NDArray[np.int64]

LARGEST_ID = 2**63 - 1


class Reuse(NamedTuple):
    """Blocks that a cache without limits has when they are asked for again."""

    blocks: int  # asked for
    distinct: int
    hits: int  # seen before

    @property
    def share(self) -> float:
        """Hits of all; 0 without blocks."""
        return self.hits / self.blocks if self.blocks else 0.0


def infinite_reuse(trace: RequestTrace) -> Reuse:
    """The reuse of a trace by a cache that keeps everything: an upper bound of any hit rate."""
    distinct = len(np.unique(trace.blocks))
    return Reuse(len(trace.blocks), distinct, len(trace.blocks) - distinct)


def read_ids(texts: Sequence[bytes]) -> tuple[I8, I4] | None:
    """Starts and dense ids of rows of whole numbers, each written as b"[1, 2]"; None for others.

    Ids go from 0 in the order in which numbers come first.
    """
    bodies = [b"" if len(text) < 6 and not text[1:-1].strip() else text[1:-1] for text in texts]
    joined = b",".join(body for body in bodies if body)
    if joined.translate(None, b"0123456789, \t"):
        return None
    counts = [body.count(b",") + 1 if body else 0 for body in bodies]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    try:
        values = np.fromstring(joined.decode(), np.int64, sep=",") if joined else np.empty(0)
    except ValueError:
        return None
    if len(values) != start[-1] or (len(values) and int(values.max()) >= LARGEST_ID):
        return None  # one that 64 bits do not hold reads as the largest
    return start, _dense(values.astype(np.int64))


def _dense(values: I8) -> I4:
    """Equal values get equal ids, from 0 in the order in which they come first."""
    if not len(values):
        return np.empty(0, np.int32)
    most = int(values.max())
    if most >= 8 * len(values) + 1_000_000:
        _, values = np.unique(values, return_inverse=True)
        most = int(values.max())
    first = np.full(most + 1, -1, np.int64)
    first[values[::-1]] = np.arange(len(values))[::-1]  # the first place is written last
    met = np.flatnonzero(first >= 0)
    rank = np.empty(most + 1, np.int32)
    rank[met[np.argsort(first[met], kind="stable")]] = np.arange(len(met), dtype=np.int32)
    return rank[values]


def joined_blocks(start: I8, blocks: I4, joined: int) -> tuple[I8, I4]:
    """Rows of blocks in which `joined` of them in a row are one; what is left over is dropped.

    Equal runs of blocks get equal ids, from 0 in the order in which they come first.

    Args:
        start: [requests + 1] where a request's blocks begin.
        blocks: [entries] ids.
        joined: blocks in one.
    """
    counts = np.diff(start) // joined
    fresh = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    first = np.repeat(start[:-1] - joined * fresh[:-1], counts) + joined * np.arange(fresh[-1])
    runs = blocks[first[:, None] + np.arange(joined)]
    if not len(runs):
        return fresh, np.empty(0, np.int32)
    _, met, label = np.unique(runs, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(met), np.int32)
    rank[np.argsort(met, kind="stable")] = np.arange(len(met), dtype=np.int32)
    return fresh, rank[label.ravel()]
