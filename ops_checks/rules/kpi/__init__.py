"""The rules that limit metrics of the run log and of the queue (FORMATS section 4)."""
