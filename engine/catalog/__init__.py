"""What exists in the shop: devices, racks, links, LLMs, published workloads. Immutable."""
