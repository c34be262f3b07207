"""What each panel draws: arrays, lines and words, worked out from a part of a session's screen."""
