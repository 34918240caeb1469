"""Whether the events of each item could have happened (RECONCILE section 16)."""
