"""The Markdown store: a GFM table in a document that people edit (FORMATS section 1)."""
