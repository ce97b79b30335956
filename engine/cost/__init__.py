"""How long one step takes and how much memory it needs, in closed form."""
