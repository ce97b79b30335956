"""Questions on the graph, answered without a run."""
