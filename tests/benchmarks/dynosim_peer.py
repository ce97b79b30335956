"""NVIDIA's DynoSim (the replay of ai-dynamo) on a trace: `python dynosim_peer.py IN OUT`.

IN is json: the rows of a trace in Mooncake's schema, the tokens of a hash block, and the arguments
of the replay. OUT gets the CPU seconds of the replay and, for each request, arrival, TTFT and
end-to-end latency in ms, prompt tokens and those of them that were reused.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path


def main():
    """Runs, writes what came out."""
    given, found = sys.argv[1:3]
    os.environ["DYN_LOG"] = "error"
    import numpy as np
    from dynamo import _core as dynamo

    wanted = json.loads(Path(given).read_text(encoding="utf-8"))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as file:
        file.writelines(json.dumps(row) + "\n" for row in wanted["rows"])
    engine = dynamo._normalize_mocker_config({"engine": wanted["engine"]})
    began = time.process_time()
    report = dynamo.run_mocker_trace_replay(
        [file.name],
        extra_engine_args=engine,
        trace_block_size=wanted["block_tokens"],
        capture_per_request=True,
        **wanted["replay"],
    )
    spent_s = time.process_time() - began
    names = (
        "arrival_time_ms", "ttft_ms", "e2e_latency_ms", "input_length", "reused_input_tokens",
    )  # fmt: skip
    rows = [[float(request[name]) for name in names] for request in report.per_request]
    np.savez(found, seconds=spent_s, rows=np.array(rows))
    Path(file.name).unlink()


if __name__ == "__main__":
    main()
