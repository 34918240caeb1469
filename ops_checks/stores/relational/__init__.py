"""What the stores that are databases have in common."""
