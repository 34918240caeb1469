"""Files, opened and written with care (SAFETY): nothing here knows what they hold."""
