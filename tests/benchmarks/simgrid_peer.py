"""SimGrid on one flow scenario, run in a process of its own: `python simgrid_peer.py IN OUT`.

IN is an npz file with the arrays of a `Scenario`, OUT gets the finish times and the CPU seconds of
the run itself. One actor starts all transfers at their times and then waits for them one by one, so
that SimGrid's solver does the work and not a thread a flow. Latency is zero and all factors are ideal.
A second flow between the same two endpoints may have another path: it gets endpoints of its own.
This file imports nothing of the project: the interpreter that has SimGrid need not have the rest.
"""

import sys
import time

import numpy as np
from simgrid import Comm, Engine, LinkInRoute, this_actor


def play(starts, sizes, ends, finish):
    """Starts every transfer at its time; each remembers itself when it ended."""
    comms = [None] * len(ends)
    for number in np.argsort(starts, kind="stable").tolist():
        if starts[number] > Engine.clock:
            this_actor.sleep_until(float(starts[number]))
        comm = Comm.sendto_init(*ends[number])
        comm.set_payload_size(int(sizes[number]))  # whole bytes only
        comms[number] = comm.start()
    for number, comm in enumerate(comms):
        comm.wait()
        finish[number] = comm.finish_time


def ends_of(zone, given, links):
    """A pair of hosts for every flow, joined by its links."""
    hosts, seen, ends = {}, {}, []

    def host(name):
        if name not in hosts:
            hosts[name] = zone.add_host(name, 1.0)
        return hosts[name]

    first, route = given["route_start"], given["route_link"]
    for number, pair in enumerate(
        zip(given["source"].tolist(), given["target"].tolist(), strict=True)
    ):
        path = tuple(route[first[number] : first[number + 1]].tolist())
        copies = seen.setdefault(pair, [])
        new = path not in copies
        if new:
            copies.append(path)
        copy = copies.index(path)
        chosen = tuple(host(f"h{end}.{copy}") for end in pair)
        if new:
            zone.add_route(*chosen, [LinkInRoute(links[i]) for i in path], False)
        ends.append(chosen)
    return ends


def main():
    """Builds the platform, runs, writes what came out."""
    given = np.load(sys.argv[1])
    engine = Engine([
        "peer", "--cfg=network/model:CM02", "--cfg=network/crosstraffic:0",
        "--cfg=precision/timing:1e-15", "--log=root.thres:critical",
    ])  # fmt: skip
    zone = engine.netzone_root.add_netzone_full("hall")
    links = [zone.add_link(f"l{i}", float(rate)) for i, rate in enumerate(given["rate"])]
    ends = ends_of(zone, given, links)
    zone.seal()
    finish = np.full(len(ends), np.nan)
    ends[0][0].add_actor("play", play, given["start_s"], given["size"], ends, finish)
    began = time.process_time()
    engine.run()
    np.savez(sys.argv[2], finish_s=finish, seconds=time.process_time() - began)


if __name__ == "__main__":
    main()
