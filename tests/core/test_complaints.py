"""What is wrong with what was entered: told in the language of the page."""

from collections.abc import Iterator
from typing import Any, cast, get_args

import msgspec
import pytest

from harbor.core import i18n, wire
from harbor.core.errors import Unprocessable
from harbor.core.i18n import Code, Phrase, Reader
from harbor.core.patterns import PatternInvalid, compiled
from harbor.doors import operations

CHINESE = [Code("zh-cn"), Code("zh-tw")]
BAD = ("", "\x01", "-99999999999", "99999999999", "no such thing", "x" * 200_000)
OTHERWISE = "%(where)s: %(why)s"  # the pattern of what nobody foresaw


def structs() -> Iterator[Any]:
    """What forms and addresses of pages are read as."""
    seen = set()
    for op in operations():
        for name in ("form", "query"):
            kind = op.types.get(name) if op.page else None
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
                seen.add(kind)
                yield kind


def complaints() -> Iterator[Phrase]:
    """All that forms and addresses can be told to be wrong, by way of bad values."""
    for kind in structs():
        fields = msgspec.structs.fields(kind)
        for given in ([], *([(each.encode_name, bad)] for each in fields for bad in BAD)):
            rest = [] if not given else filled(fields, given[0][0])
            try:
                wire.parameters([*given, *rest], kind)
            except Unprocessable as error:
                yield cast(Phrase, error.args[0])
        for each in fields:
            try:
                wire.parameters([(each.encode_name, "1")] * 2_000, kind)
            except Unprocessable as error:
                yield cast(Phrase, error.args[0])


def filled(fields: tuple[msgspec.structs.FieldInfo, ...], but: str) -> list[tuple[str, str]]:
    """A value for what is required, so that the other one is looked at."""
    return [
        (each.encode_name, str(next(iter(get_args(each.type)), "1")))
        for each in fields
        if each.required and each.encode_name != but
    ]


def told(phrase: str, language: Code) -> str:
    token = i18n.reader.set(Reader(language))
    try:
        return i18n.told(phrase)
    finally:
        i18n.reader.reset(token)


def has_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def test_all_that_forms_can_be_told_is_told_in_chinese() -> None:
    found = {phrase.pattern: phrase for phrase in complaints()}
    assert len(found) > 5
    assert OTHERWISE not in found
    for pattern, phrase in found.items():
        for language in CHINESE:
            text = told(phrase, language)
            assert has_chinese(text), (language, pattern)
            assert "Expected" not in text
            assert " - at " not in text


def test_the_api_is_told_what_msgspec_says() -> None:
    with pytest.raises(Unprocessable) as caught:
        wire.parameters([("page", "0")], wire.Paging)
    assert str(caught.value) == "query: Expected `int` >= 1 - at `$.page`"
    assert told(caught.value.args[0], CHINESE[0]) == "参数 `$.page`：不能小于 1"  # noqa: RUF001


@pytest.mark.parametrize("language", CHINESE)
@pytest.mark.parametrize("pattern", ["{", "[", "[]", "a\\", "[--]", "x" * 2000])
def test_what_is_wrong_with_a_pattern_is_told_in_chinese(pattern: str, language: Code) -> None:
    with pytest.raises(PatternInvalid) as caught:
        compiled(pattern)
    assert has_chinese(told(caught.value.why, language))


def test_a_phrase_that_is_kept_is_told_later() -> None:
    why = Phrase("it ends %(nbytes)s bytes early", nbytes=5)
    again = Phrase.of(why.kept())
    assert again == why
    assert told(again, CHINESE[0]) == "提前 5 字节结束"
    assert told(
        Phrase("invalid pattern %(pattern)s: %(why)s", pattern="x", why=why), i18n.SOURCE
    ) == ("invalid pattern x: it ends 5 bytes early")
