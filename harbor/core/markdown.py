"""Markdown that anybody may have written, as HTML that does no harm.

HTML inside of it is shown as text. Pictures become links to them: a page shows none from elsewhere.
"""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:  # both libraries are loaded with the first text
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

SCHEMES = {"http", "https", "mailto"}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
TEXT = {"a", "br", "code", "del", "em", "h2", "h3", "h4", "h5", "h6", "hr", "p", "s", "strong"}
BLOCKS = {"blockquote", "li", "ol", "pre", "table", "tbody", "td", "th", "thead", "tr", "ul"}
TAGS = TEXT | BLOCKS
LEVELS = 6


async def to_html(text: str) -> Markup:
    """*text* as HTML; a heading is one level lower, for the page has its own."""
    return await asyncio.to_thread(rendered, text)


def rendered(text: str) -> Markup:
    import nh3  # noqa: PLC0415

    shown = parser().render(text)
    clean = nh3.clean(
        shown,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return Markup(clean)  # noqa: S704  just cleaned


def beginning(text: str, most: int) -> str:
    """The first words of *text*, without its marks."""
    from html import unescape  # noqa: PLC0415, its names of characters take memory

    import nh3  # noqa: PLC0415

    shown = nh3.clean(parser().render(text[: 4 * most]), tags=set())
    words = " ".join(unescape(shown).split())
    return words if len(words) <= most else f"{words[:most].rstrip()}…"


@cache
def parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415

    found = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    found.core.ruler.push("lower_headings", lower_headings)
    found.add_render_rule("image", link_to_picture)
    return found


def lower_headings(state: Any) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, LEVELS)}"


def link_to_picture(
    _renderer: "RendererHTML", tokens: "Sequence[Token]", at: int, _options: Any, _env: Any
) -> str:
    token = tokens[at]
    source = str(token.attrs.get("src", ""))
    return Markup('<a href="{}">{}</a>').format(source, escape(token.content or source))
