"""What to do with a bench, and a safe end whatever happens."""
