"""Open files safely and write them atomically, whatever their content (SAFETY)."""
