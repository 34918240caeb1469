"""Text from outside, in Markdown as GitHub and GitLab render it: text and nothing else.

Plain words need no markup. Other text stands in a code span, in which a renderer recognizes no markup, link, mention or
HTML. A back-tick would end that, or need a longer fence, which people read as part of the text: text that holds one is
plain text, escaped.
"""

from __future__ import annotations

import re

from ops_checks.presentation.limits import TEXT, shorten
from ops_checks.sanitize import visible

#: Words, and punctuation that has no meaning in Markdown between words. No `www.`, no `://`, no mention, no issue.
_PLAIN = re.compile(r"(?!.*www\.)(?!.*\bgh-\d)[^\W_](?:[^\W_]|[ ,;.()'%/=-]|: )*+", re.IGNORECASE)
#: Punctuation, first that without a meaning where it stands, and spaces that a renderer would leave out.
_PUNCTUATION = re.compile(r"(?P<plain>[,;'()%]|(?<=\w)-(?=\w)|(?<=[^\W\d_])\.(?= |\Z))|[!-/:-@\[-`{-~]|^ | $|(?<= ) ")
#: Behind these something begins that the rendered text is searched for: mentions, issues, emoji, formulas, addresses.
_BEGINS = re.compile(r"[@#$:]|\b(?:www(?=\.)|GH(?=-))", re.IGNORECASE)
_APART = "&#8203;"  # of no width


def words(text: str) -> str:
    """Return plain words unchanged, anything else as `code` returns it."""
    return text if _PLAIN.fullmatch(text) and not text.endswith(" ") else code(text)


def code(text: str) -> str:
    """Return a text as a code span (CommonMark 6.1), one that holds a back-tick as plain text."""
    if not text:
        return ""
    shown = shorten(visible(text), TEXT)
    if "`" in shown:
        return escaped(shown)
    # A parser strips one space off both ends if both have one.
    pad = " " if shown[0] == shown[-1] == " " and shown.strip(" ") else ""
    return f"`{pad}{shown}{pad}`"


def escaped(text: str) -> str:
    """Return a visible text as plain text of Markdown: no markup, link, mention, reference or tag is alive in it.

    Punctuation that may mean something is a character reference, which no parser takes for markup. What is searched for
    in the rendered text is parted by a space of no width.
    """
    parted = _BEGINS.sub(lambda found: found[0] + "\u200b", text)  # which no visible text holds
    return _PUNCTUATION.sub(lambda found: found["plain"] or f"&#{ord(found[0])};", parted).replace("\u200b", _APART)
