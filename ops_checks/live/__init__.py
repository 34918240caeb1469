"""What a live view shows: its parts, read again when they change (`reading`, `feed`), and what is new (`model`)."""
