"""The rules that compare both queues."""
