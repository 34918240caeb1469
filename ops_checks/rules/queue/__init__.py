"""What the rows of one queue say by themselves."""
