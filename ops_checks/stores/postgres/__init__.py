"""The queue in PostgreSQL (FORMATS section 2, SAFETY "PostgreSQL")."""
