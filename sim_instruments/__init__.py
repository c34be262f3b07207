"""Stand-ins that answer like the real boxes, on a sample that behaves like a real one."""
