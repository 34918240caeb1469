"""What a format is, and what it may depend on besides the report."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ops_checks.report.model import Report


class RenderOptions(NamedTuple):
    """What a format depends on besides the report.

    `color`: the terminal understands colours; `columns`: how wide it is, None for what is no terminal.
    `folder`: the absolute path that relative paths in the report are relative to; `root`: the
    absolute path of the repository, which CI systems want paths relative to. Where they are empty,
    relative paths are taken to be relative to the repository already, and absolute ones to be
    outside of it. `rows` is where a person finds the repository's files as they were checked: a
    URL with `{path}` and `{line}` in it, empty where that is not known.
    """

    color: bool = False
    columns: int | None = None
    folder: str = ""
    root: str = ""
    rows: str = ""


class Format:
    """One format: what it is for, how a file of it is written, and the function that renders it.

    `help` is a few words for help texts. `extension` is the usual one, `media_type` the registered
    one. `append`: a target file is appended to (a summary or a stream of commands that others write
    to as well); otherwise it is replaced, atomically, if it begins as one of `begins` says (see
    `is_own_kind`): what holds something else is kept. `extra` is the extra of this package that installs `module`,
    without which it cannot render; both are empty for a format that needs none. `background`: it shows what lies behind
    a report, which is collected only then. `name` is its module's: the registry sets it.

    Raises TypeError for a format that replaces files and does not say which.
    """

    __slots__ = (
        "_extra", "_module", "_render", "append", "background", "begins", "extension", "help", "media_type", "name",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - by name
        self,
        *,
        help: str,  # noqa: A002 - the field's name in every registry of this program
        extension: str,
        media_type: str,
        render: Callable[[Report, RenderOptions], str],
        append: bool = False,
        begins: tuple[str, ...] = (),
        extra: str = "",
        module: str = "",
        background: bool = False,
    ) -> None:
        if append is bool(begins):
            raise TypeError(
                "a format either appends to a file or says how the files begin that it may replace: begins="
            )
        self.name = ""
        self.help = help
        self.extension = extension
        self.media_type = media_type
        self.append = append
        self.begins = begins
        self.background = background
        self._extra = extra
        self._module = module
        self._render = render

    def require(self) -> None:
        """Raise UsageError, which says how to install it, if what the format needs is not installed."""
        if not self._module:
            return
        from importlib.util import find_spec

        if find_spec(self._module) is None:
            from ops_checks.errors import UsageError, install_extra

            raise UsageError(
                f"format {self.name} needs {self._module}, which is not installed: {install_extra(self._extra)}"
            )

    def render(self, report: Report, options: RenderOptions | None = None) -> str:
        """Return the report in this format: text that can be encoded as UTF-8 and ends in a line break, or nothing.

        Raises UsageError if what the format needs is not installed.
        """
        self.require()
        return self._render(report, options or RenderOptions())
