"""What must be fast or sure, measured the same way each time; figures are reported, never gated."""
