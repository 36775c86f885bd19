"""The catalogues: complete, with the same placeholders, and in Chinese punctuation."""

import re

import pytest

from harbor.core.i18n import LANGUAGES, SOURCE, Code
from tests import messages

KEYS = messages.found()
CHINESE = Code("zh-cn")
CODES = [code for code in LANGUAGES if code != SOURCE]


@pytest.mark.parametrize("code", CODES)
def test_a_catalogue_has_every_text_and_no_other(code: Code) -> None:
    held = {
        message.id if isinstance(message.id, str) else tuple(message.id)
        for message in messages.kept(code)
        if message.id
    }
    assert (sorted(map(str, KEYS - held)), sorted(map(str, held - KEYS))) == ([], []), (
        "make messages"
    )


def test_chinese_is_complete() -> None:
    assert messages.missing(CHINESE, KEYS) == []


@pytest.mark.parametrize("code", CODES)
def test_placeholders_are_those_of_the_source(code: Code) -> None:
    for message in messages.kept(code):
        ids = [message.id] if isinstance(message.id, str) else message.id
        told = message.string or ""
        strings = [told] if isinstance(told, str) else told
        wanted = {name for text in ids for name in names(text)}
        assert all(names(text) <= wanted for text in strings), message.id
        assert all(len(names(text)) == len(wanted) for text in strings if text and len(ids) == 1), (
            message.id
        )


def names(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


def test_chinese_has_chinese_punctuation() -> None:
    wrong = [
        m.string
        for m in messages.kept(CHINESE)
        if re.search(r"[\u4e00-\u9fff][,:;?!]", str(m.string))
    ]
    assert wrong == []


@pytest.mark.parametrize("code", CODES)
def test_a_catalogue_is_written_as_make_messages_writes_it(code: Code) -> None:
    assert messages.path_of(code).read_text("utf-8") == messages.written(code, KEYS)
