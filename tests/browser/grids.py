"""Grids as their readers use them."""

import re

from playwright.sync_api import Locator, Page, expect


def rows(page: Page) -> Locator:
    return page.locator("[data-grid] tbody tr:not(.detail)")


def row(page: Page, text: str) -> Locator:
    return rows(page).filter(has_text=text)


def walk_through(page: Page, column: str, sort: str, total: int) -> None:
    """Sort, turn the page, and come back: the address knows it all.

    The grid is at its first page of fifteen of *total* rows, fewer than thirty, in no order.
    """
    expect(rows(page)).to_have_count(15)
    page.get_by_role("link", name=column, exact=True).click()
    page.wait_for_url(re.compile(f"[?&]sort={re.escape(sort)}(&|$)"))
    expect(page.get_by_role("columnheader", name=column)).to_have_attribute(
        "aria-sort", "ascending"
    )
    page.get_by_label("Next page").click()
    page.wait_for_url(re.compile("[?&]page=2(&|$)"))
    expect(rows(page)).to_have_count(total - 15)
    expect(page.get_by_text(re.compile(f"^16 . {total} of {total}$"))).to_be_visible()
    there = rows(page).first.inner_text()
    page.goto("/harbor/projects")
    page.go_back()
    expect(page.get_by_role("columnheader", name=column)).to_have_attribute(
        "aria-sort", "ascending"
    )
    assert rows(page).first.inner_text() == there
    page.go_back()
    expect(rows(page)).to_have_count(15)


def show_more(page: Page, total: int) -> None:
    """Choose more rows on a page; this browser remembers it."""
    page.get_by_label("Rows on a page").select_option("25")
    expect(rows(page)).to_have_count(total)
    address = re.sub("[?&]page_size=25", "", page.url)
    page.goto(address)
    expect(rows(page)).to_have_count(total)
