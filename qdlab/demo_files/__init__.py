"""The demo's plan and devices, as they also lie in examples/."""
