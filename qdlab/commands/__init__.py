"""One module per command, each with one function of its name; heavy imports stay inside the functions."""
