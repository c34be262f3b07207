"""Numbers in, numbers out: the physics of charge transport, without files, screens or instruments."""
