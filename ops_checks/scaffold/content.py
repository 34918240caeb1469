"""Render the files that `init` makes: templates, policy, Markdown queue (FORMATS section 1)."""

from __future__ import annotations

import json
from importlib import resources
from itertools import chain

from ops_checks.context import DEFAULT_DB
from ops_checks.stores.markdown.table import render_head, render_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ops_checks.model import Item


def template(name: str) -> bytes:
    """Return the content of a file in this package's `templates` folder, by name."""
    return resources.files("ops_checks.scaffold").joinpath("templates", name).read_bytes()


def policy(settings: Mapping[str, str]) -> bytes:
    """Return a commented policy; `settings` are the locations that it names, by key. Others stay comments."""
    lines = template("ops-checks.yaml").decode().split("\n")
    for key, location in settings.items():
        at = next(number for number, line in enumerate(lines) if line.startswith(f"# {key}: "))
        lines[at] = f"{key}: {json.dumps(location, ensure_ascii=False)}"
    return "\n".join(lines).encode()


def markdown(items: Iterable[Item], db: str = DEFAULT_DB) -> bytes:
    """Return a Markdown queue: the explanatory head, which names the database, and the table with the items."""
    return b"".join(markdown_chunks(items, db))


def markdown_chunks(items: Iterable[Item], db: str) -> Iterator[bytes]:
    """Yield what `markdown` returns, one row after the other."""
    named = f"`{db}`" if db.isprintable() and "`" not in db else "the queue database"
    yield template("QUEUE.md").replace(f"`{DEFAULT_DB}`".encode(), named.encode())
    for row in chain(render_head(), map(render_row, items)):
        yield (row + "\n").encode()
