"""Stores of items: the protocol, the registry, and one package for each kind of store.

A store reads its items as one consistent snapshot and changes one item safely. It contains no rules:
they are passed in as `decide` (see `ops_checks.transitions`).
"""
