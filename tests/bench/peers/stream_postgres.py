"""Read all items of a queue on a server, in the order of their ids: `stream_postgres.py ours|copy LOCATION`."""

import sys

_ITEM = "id, status, priority, task, success_criteria, owner_session, started_at_kst, due_at_kst, notes"


def ours(location: str) -> int:
    """Count them as the program reads them: each row is checked, and made an item."""
    from ops_checks.stores.registry import open_queue

    with open_queue(location).snapshot() as snapshot:
        return sum(1 for _ in snapshot.items())


def copy(location: str) -> int:
    """Count them as psycopg alone hands them over: as bytes."""
    import psycopg

    query = f'COPY (SELECT {_ITEM} FROM queue_items ORDER BY id COLLATE "C") TO STDOUT'
    with psycopg.connect(location) as connection, connection.cursor() as cursor, cursor.copy(query) as rows:
        return sum(1 for _ in rows)


if __name__ == "__main__":
    sys.stdout.write(f"{ {'ours': ours, 'copy': copy}[sys.argv[1]](sys.argv[2]) }\n")
