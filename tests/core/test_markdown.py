import pytest

from harbor.core.markdown import beginning, rendered


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# Shop\n\nIt *sells*.", "<h2>Shop</h2>\n<p>It <em>sells</em>.</p>\n"),
        ("###### deep", "<h6>deep</h6>\n"),
        ("~~old~~", "<p><s>old</s></p>\n"),
        ("```sh\nls\n```", "<pre><code>ls\n</code></pre>\n"),
        ("<b>bold</b>", "<p>&lt;b&gt;bold&lt;/b&gt;</p>\n"),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>\n'),
    ],
)
def test_markdown_becomes_html(text: str, shown: str) -> None:
    assert rendered(text) == shown


def test_tables_are_shown() -> None:
    assert "<td>1</td>" in rendered("| a |\n|---|\n| 1 |")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&colon;alert(1))",
        "[x](data:text/html,alert)",
        "<javascript:alert(1)>",
        '![x](https://example.com/a.png "on")',
        '[x](https://example.com "\\" onclick=alert(1)")',
        "![<img src=x onerror=alert(1)>](x)",
        "<img src=x onerror=alert(1)>",
    ],
)
def test_what_could_do_harm_does_none(text: str) -> None:
    shown = rendered(text)
    for part in ("<script", "<img", 'href="javascript', 'href="data', " onclick=alert(1)>"):
        assert part not in shown.lower()


def test_a_picture_is_a_link_that_leads_nobody_back() -> None:
    shown = rendered("![The shop](https://example.com/a.png)")
    assert 'href="https://example.com/a.png"' in shown
    assert 'rel="noopener noreferrer nofollow"' in shown
    assert ">The shop</a>" in shown


def test_the_beginning_is_plain_and_short() -> None:
    assert beginning("# Shop\n\nThe **web** shop & `more`", 100) == "Shop The web shop & more"
    assert beginning("word " * 100, 12) == "word word wo…"


def test_what_is_nested_deeply_is_no_trouble() -> None:
    assert rendered(">" * 60_000)
    assert rendered("[" * 60_000)
