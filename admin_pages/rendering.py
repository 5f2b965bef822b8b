"""Foreign text and tables as HTML for the admin: nothing invisible, nothing that moves the cursor or the eye."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from unicodedata import category

from django.contrib import admin
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

_PIECES = re.compile(r"[ -~\n]+|.", re.DOTALL)


def visible(text: str) -> SafeString:
    r"""Return the text with every character that has no glyph as a marked escape (`\x1b`, `\u202e`), line feeds kept.

    That covers control characters (ANSI sequences begin with one), bidirectional overrides and zero-width characters:
    Unicode's categories C (other), Zl and Zp.
    """
    return format_html_join("", "{}", ((_shown(piece),) for piece in _PIECES.findall(text)))


def visible_field(name: str) -> Callable[[Any, Any], SafeString]:
    """Return a method of a ModelAdmin that shows the row's field as visible text."""

    @admin.display(description=name.replace("_", " "))
    def show(self: Any, row: Any) -> SafeString:
        return visible(getattr(row, name))

    return show


def visible_bytes(value: bytes | memoryview | None) -> SafeString:
    """Return the bytes as visible text; what is not UTF-8 as marked escapes. None is shown as an absent value."""
    if value is None:
        return SafeString("<em>null</em>")
    return preformatted(bytes(value).decode(errors="surrogateescape"))


def preformatted(text: str) -> SafeString:
    """Return the text as a block that keeps its lines."""
    return format_html('<pre class="text">{}</pre>', visible(text))


def pretty_json(text: str) -> SafeString:
    """Return JSON indented; text that is not JSON, or nested too deep to be read, as it is."""
    try:
        return preformatted(json.dumps(json.loads(text), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):
        return preformatted(text)


def table(rows: Iterable[Sequence[object]], *, head: Sequence[str]) -> SafeString:
    """Return an HTML table; cells are escaped unless they are HTML already."""
    cells = format_html_join("", "<th>{}</th>", ((name,) for name in head))
    body = format_html_join(
        "", "<tr>{}</tr>", ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows)
    )
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", cells, body)


def _shown(piece: str) -> SafeString:
    if len(piece) > 1 or not (category(piece).startswith("C") or category(piece) in ("Zl", "Zp")) or piece == "\n":
        return SafeString(conditional_escape(piece))
    if 0xDC80 <= (code := ord(piece)) <= 0xDCFF:  # surrogateescape: one byte that is not UTF-8
        code -= 0xDC00
    form = "\\x{:02x}" if code < 0x100 else "\\u{:04x}" if code < 0x10000 else "\\U{:08x}"
    return format_html("<mark>{}</mark>", form.format(code))
