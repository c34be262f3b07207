"""The application: wiring, recording, live analysis, replay, screens and the command line."""
