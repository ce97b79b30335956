"""Continuous batching on one replica, step by step over plain lists.

The rules of the kernel once more: sequences that decode take one token each and a block when
their last one is full, the last admitted is pushed out when no block is free; then prompts in
order of admission within the token budget; then admissions in order of arrival, with blocks for
the whole prompt, none in a step that pushed somebody out.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Request:
    """One request and where it stands."""

    number: int
    arrival: float
    prompt: int
    output: int
    target: int = 0
    filled: int = 0
    emitted: int = 0
    blocks: int = 0
    chunk: int = 0
    decoding: bool = False
    first: float = np.nan
    finish: float = np.nan


@dataclass
class Replica:
    """Limits and step time of a replica."""

    blocks: int
    block_tokens: int
    max_seqs: int
    max_tokens: int
    base_s: float
    token_s: float
    context_s: float
    area_s: float
    free: int = 0
    waiting: list[Request] = field(default_factory=list)
    running: list[Request] = field(default_factory=list)
    preemptions: int = 0


def simulate(
    replica: Replica, arrival: list[float], prompt: list[int], output: list[int]
) -> list[Request]:
    """Runs all requests to their end; those that can never fit keep nan times."""
    size = replica.block_tokens
    replica.free = replica.blocks
    requests = [
        Request(i, a, p, o, target=p)
        for i, (a, p, o) in enumerate(zip(arrival, prompt, output, strict=True))
    ]
    coming = [r for r in requests if blocks_for(r.prompt + r.output, size) <= replica.blocks]
    now, step_end = 0.0, None
    while coming or replica.waiting or replica.running:
        if step_end is None:
            now = coming[0].arrival
            while coming and coming[0].arrival <= now:
                replica.waiting.append(coming.pop(0))
                if len(replica.waiting) == 1 and step_end is None:
                    step_end = begin(replica, now)
        elif coming and coming[0].arrival < step_end:
            replica.waiting.append(coming.pop(0))
        else:
            now = step_end
            end_step(replica, now)
            step_end = begin(replica, now)
    return requests


def blocks_for(tokens: int, size: int) -> int:
    """Blocks that hold so many tokens."""
    return -(-tokens // size)


def begin(replica: Replica, now: float) -> float | None:
    """Forms a step; its end, or None when there is nothing to do."""
    size = replica.block_tokens
    pushed = False
    while True:
        growing = [r for r in replica.running if r.decoding and r.filled % size == 0]
        if len(growing) <= replica.free:
            break
        push_out(replica)
        pushed = True
    for request in growing:
        request.blocks += 1
        replica.free -= 1
    decoding = [r for r in replica.running if r.decoding]
    budget = replica.max_tokens - len(decoding)
    area = 0.0
    for request in replica.running:
        if not request.decoding and budget > 0:
            area += give(request, budget)
            budget -= request.chunk
    while (
        not pushed and replica.waiting and budget > 0 and len(replica.running) < replica.max_seqs
    ):
        request = replica.waiting[0]
        need = blocks_for(request.target, size)
        if need > replica.free:
            break
        replica.waiting.pop(0)
        replica.free -= need
        request.blocks = need
        replica.running.append(request)
        area += give(request, budget)
        budget -= request.chunk
    tokens = replica.max_tokens - budget
    if tokens == 0:
        return None
    context = sum(r.filled for r in decoding)
    return now + (
        replica.base_s
        + replica.token_s * tokens
        + replica.context_s * context
        + replica.area_s * area
    )


def give(request: Request, budget: int) -> float:
    """The prompt chunk of a step, and its attention area."""
    request.chunk = min(request.target - request.filled, budget)
    return request.chunk * (request.filled + 0.5 * request.chunk)


def push_out(replica: Replica) -> None:
    """The last admitted goes to the head of the queue and loses its KV."""
    replica.preemptions += 1
    request = replica.running.pop()
    replica.free += request.blocks
    request.blocks = request.filled = request.chunk = 0
    request.target = request.prompt + request.emitted
    request.decoding = False
    replica.waiting.insert(0, request)


def end_step(replica: Replica, now: float) -> None:
    """Every decoding sequence and every whole prompt emits a token."""
    for request in list(replica.running):
        if request.decoding:
            request.filled += 1
            request.emitted += 1
        else:
            request.filled += request.chunk
            request.chunk = 0
            if request.filled < request.target:
                continue
            if request.emitted == 0:
                request.first = now
            request.emitted += 1
            request.decoding = True
        if request.emitted >= request.output:
            request.finish = now
            replica.running.remove(request)
            replica.free += request.blocks
