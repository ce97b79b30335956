"""Vidur on a list of requests, run in a process of its own: `python vidur_peer.py IN OUT`.

IN is a csv file of `arrived_at,num_prefill_tokens,num_decode_tokens`, OUT gets the CPU seconds of
the event loop alone. The same machine as the benchmark of one replica: Llama 3 70B on eight H100,
at most 256 sequences and 2,048 tokens a step, its metrics off. Vidur learns step times from
profiles that it loads from the network at its first run.
"""

import sys
import tempfile
import time

import numpy as np


def main():
    """Runs, writes what it took."""
    given, found = sys.argv[1:3]
    sys.argv = [
        "vidur", "--replica_config_model_name", "meta-llama/Llama-3-70B",
        "--replica_config_device", "h100", "--replica_config_network_device", "h100_dgx",
        "--replica_config_tensor_parallel_size", "8", "--replica_config_num_pipeline_stages", "1",
        "--replica_scheduler_config_type", "sarathi",
        "--metrics_config_output_dir", tempfile.mkdtemp(),
        "--no-metrics_config_write_metrics",
    ]  # fmt: skip
    from vidur import simulator as vidur
    from vidur.config import SimulationConfig
    from vidur.entities import Request

    rows = np.loadtxt(given, delimiter=",", skiprows=1)

    class Listed:
        """The requests of the file in place of drawn ones."""

        def generate(self):
            return [Request(float(at), int(new), int(out)) for at, new, out in rows]

    vidur.RequestGeneratorRegistry.get = lambda *_: Listed()
    simulator = vidur.Simulator(SimulationConfig.create_from_cli_args())
    began = time.process_time()
    simulator.run()
    np.savez(found, seconds=time.process_time() - began)


if __name__ == "__main__":
    main()
