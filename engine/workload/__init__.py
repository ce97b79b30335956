"""Who asks for what, and when: arrivals, lengths, agents, traces."""
