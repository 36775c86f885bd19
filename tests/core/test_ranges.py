import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harbor.core import ranges
from harbor.core.errors import BadRequest, RangeInvalid

SIZES = st.integers(0, 300)
NUMBERS = st.integers(0, 400)
few = settings(max_examples=80, deadline=None)


def bytes_of(asked: tuple[int, int] | None, size: int) -> list[int]:
    start, stop = asked or (0, size)
    assert 0 <= start <= stop <= size
    return list(range(start, stop))


def expected(first: int | None, last: int | None, size: int) -> list[int] | None:
    """The positions of the bytes that are meant, one by one; ``None`` if there is none of them."""
    everything = range(size)
    if first is None:
        assert last is not None
        found = [at for at in everything if at >= size - last]
    elif last is None:
        found = [at for at in everything if at >= first]
    else:
        found = [at for at in everything if first <= at <= last]
    return found or None


@few
@given(st.none() | NUMBERS, st.none() | NUMBERS, SIZES)
@example(None, 0, 10)
@example(0, None, 0)
def test_a_range_means_the_bytes_that_it_counts(
    first: int | None, last: int | None, size: int
) -> None:
    if first is None and last is None:
        return
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    wanted = expected(first, last, size)
    if wanted is None:
        with pytest.raises(RangeInvalid) as caught:
            ranges.asked(header, size)
        assert caught.value.headers == {"Content-Range": f"bytes */{size}"}
    else:
        assert bytes_of(ranges.asked(header, size), size) == wanted


@few
@given(st.text() | st.text("bytes=-0123456789 ,"), SIZES)
@example("bytes=-", 10)
@example("bytes=0-1,3-4", 10)
@example("bytes=\u0660-\u0669", 10)
@example("bytes=0-\n", 10)
def test_any_other_header_is_ignored_or_refused(header: str, size: int) -> None:
    try:
        bytes_of(ranges.asked(header, size), size)
    except RangeInvalid:
        assert header.strip().startswith("bytes=")


@pytest.mark.parametrize(
    "header",
    ["", "bytes", "bytes=-", "bytes=1-2,4-5", "items=0-1", "bytes=-" + 19 * "9"],
)
def test_what_is_no_single_range_means_everything(header: str) -> None:
    assert ranges.asked(header, 10) is None


@few
@given(
    NUMBERS, NUMBERS, st.sampled_from(["{}-{}", "bytes {}-{}/*", "bytes={}-{}", "bytes {}-{}/9"])
)
def test_a_chunk_says_where_it_begins_and_how_long_it_is(first: int, last: int, form: str) -> None:
    header = form.format(first, last)
    if last < first:
        with pytest.raises(RangeInvalid):
            ranges.of_chunk(header)
    else:
        assert ranges.of_chunk(header) == (first, len(range(first, last + 1)))


@few
@given(st.text() | st.text("bytes=-0123456789 /*"))
@example("0-1\n2")
@example("\u0660-\u0669")
def test_any_other_content_range_is_refused(header: str) -> None:
    try:
        first, nbytes = ranges.of_chunk(header)
    except (BadRequest, RangeInvalid):
        return
    assert first >= 0
    assert nbytes >= 1
