"""What a screen shows, folded from events: (state, event) -> state, pure, without Qt and without I/O."""
