"""Integer codes that tables and kernels share."""

from enum import IntEnum


class NodeKind(IntEnum):
    """What a node of the fabric is."""

    CHIP = 0
    HOST = 1
    SWITCH = 2
    NIC = 3
    STORAGE = 4
    CLIENT = 5


class LinkClass(IntEnum):
    """Classes of links that bottlenecks are named by."""

    SCALE_UP = 0
    PCIE = 1
    SCALE_OUT = 2
    CLIENT = 3
    STORAGE = 4


class Cause(IntEnum):
    """Where a request's time goes; the columns of every cause table, in this order."""

    QUEUE = 0  # waiting for a batch slot or the token budget
    KV_MEMORY = 1  # waiting for KV blocks, or recomputing after preemption
    COMPUTE = 2  # arithmetic-bound part of steps
    MEMORY_BANDWIDTH = 3  # HBM-bound part of steps
    OVERHEAD = 4  # launches, scheduler, sampling, per-sequence work
    NETWORK_LATENCY = 5  # latency of collectives
    SCALE_UP = 6  # bytes of collectives on scale-up links
    SCALE_OUT = 7  # bytes on scale-out, storage and client links
    HOST = 8  # PCIe to the host, host cores
    TOOL = 9  # tools of agents (not part of a request's latency; kept for the session)
    KV_TRANSFER = 10  # KV on its way from a prefill to a decode replica
    ADMISSION = 11  # held at the gate by a tenant's rate or concurrency
    FAULT = 12  # work that a fault has lost, and waiting for what has failed


CAUSES = len(Cause)


class Role(IntEnum):
    """What the replicas of a pool do."""

    MIXED = 0  # prefill and decode
    PREFILL = 1  # prompts only: the KV goes on to a decode replica
    DECODE = 2


class Status(IntEnum):
    """What the event loop returns."""

    OK = 0  # the budget is used up; call again
    REACHED = 1  # nothing is left before the wanted time
    DRAINED = 2  # every request has ended and none will come
    TABLE_FULL = 3  # the table of finished requests, or of those in flight, must grow; call again
    STARTED = 5  # a replica serves from now on; call again
    STALLED = 4  # requests are in the system but nothing will ever happen
