"""Bring both queues back into agreement: a three-way comparison, a plan that can be read, and its application."""
