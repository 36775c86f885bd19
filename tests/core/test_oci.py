import hashlib
import re
import string
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harbor.core import oci
from harbor.core.errors import DigestInvalid, NameInvalid, TagInvalid
from tests.make import sha256

ALNUM = set(string.ascii_lowercase + string.digits)
SEPARATORS = re.compile("[._-]+")


def is_component(text: str) -> bool:
    """The grammar once more, word by word: what separates is a dot, one or two underscores, or
    dashes, and never stands at an end.
    """
    words, between = SEPARATORS.split(text), SEPARATORS.findall(text)
    return all(word and set(word) <= ALNUM for word in words) and all(
        each in (".", "_", "__") or set(each) == {"-"} for each in between
    )


def is_name(text: str) -> bool:
    return len(text) <= 255 and all(is_component(part) for part in text.split("/"))


def is_tag(text: str) -> bool:
    letters = set(string.ascii_letters + string.digits + "_")
    return 1 <= len(text) <= 128 and text[0] in letters and set(text) <= letters | {".", "-"}


def is_known_digest(text: str) -> bool:
    algorithm, colon, digits = text.partition(":")
    length = {"sha256": 64, "sha512": 128}.get(algorithm)
    return bool(colon) and len(digits) == length and set(digits) <= set("0123456789abcdef")


def refusal(parse: Callable[[str], str], text: str) -> str | None:
    """What *parse* says against *text*; ``None`` if it takes it, as it is."""
    try:
        kept = parse(text)
    except (NameInvalid, TagInvalid, DigestInvalid) as error:
        return str(error)
    assert kept == text
    return None


def check(parse: Callable[[str], str], text: str, *, valid: bool) -> None:
    """Every refusal is fit to be shown."""
    said = refusal(parse, text)
    assert (said is None) == valid
    assert said is None or (said.isprintable() and len(said) < 200)


few = settings(max_examples=60, deadline=None)
parts = ["a", "b1", "0", ".", "..", "_", "__", "___", "-", "--", "/", "A", ":", " ", "\n", "é"]
nearly = st.lists(st.sampled_from(parts), max_size=10).map("".join)
anything = st.text(max_size=20) | nearly
hexadecimal = st.text("0123456789abcdef", min_size=64, max_size=64)
digests = hexadecimal.map("sha256:{}".format) | hexadecimal.map(lambda d: f"sha512:{d}{d}")


@few
@given(anything)
@example("a" * 255)
@example("a" * 256)
@example("library/app\n")
@example("")
@example("/")
def test_a_name_is_one_exactly_if_the_grammar_says_so(text: str) -> None:
    check(oci.parse_name, text, valid=is_name(text))


@few
@given(anything)
@example("x" * 128)
@example("x" * 129)
@example("1.0\n")
def test_a_tag_is_one_exactly_if_the_grammar_says_so(text: str) -> None:
    check(oci.parse_tag, text, valid=is_tag(text))


@few
@given(anything | digests | digests.map(lambda digest: digest[:-1]) | digests.map(str.upper))
@example(sha256(b"") + "\n")
@example("sha256:" + 64 * "\u0663")
@example("sha256:" + 128 * "a")
@example("sha512:" + 64 * "a")
@example("sha256+b64:abc=")
def test_a_digest_is_one_exactly_if_the_grammar_says_so(text: str) -> None:
    check(oci.parse_digest, text, valid=is_known_digest(text))


@few
@given(st.binary(max_size=50), st.sampled_from(["sha256", "sha512"]))
def test_a_digest_is_that_of_the_bytes(data: bytes, algorithm: str) -> None:
    made = oci.digest_of(data, algorithm)
    assert made == f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    check(oci.parse_digest, made, valid=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("md5:" + 32 * "0", "unsupported digest algorithm: md5"),
        ("blake3:abc", "unsupported digest algorithm: blake3"),
        ("sha256:abc", "invalid digest: sha256:abc"),
        ("nonsense", "invalid digest: nonsense"),
    ],
)
def test_the_message_tells_an_unknown_algorithm_from_nonsense(text: str, message: str) -> None:
    with pytest.raises(DigestInvalid, match=f"^{re.escape(message)}$"):
        oci.parse_digest(text)


@few
@given(nearly.filter(is_tag))
def test_no_tag_is_taken_for_a_digest(tag: str) -> None:
    assert not oci.is_digest(tag)
    assert oci.Reference(tag).joined == f":{tag}"


@few
@given(digests)
def test_every_digest_is_taken_for_one(digest: str) -> None:
    assert oci.is_digest(digest)
    assert oci.Reference(digest).joined == f"@{digest}"


@few
@given(digests)
def test_the_fallback_tag_is_a_tag_of_its_own(digest: str) -> None:
    tag = oci.fallback_tag(oci.Digest(digest))
    algorithm, _, digits = digest.partition(":")
    assert tag == f"{algorithm}-{digits[:64]}"
    assert is_tag(tag)
    assert oci.COSIGN_TAG.fullmatch(tag) is None


@few
@given(hexadecimal.map("sha256:{}".format))
def test_a_signatures_tag_tells_what_it_signs(digest: str) -> None:
    match = oci.COSIGN_TAG.fullmatch(digest.replace(":", "-") + ".sig")
    assert match is not None
    assert match[1].replace("-", ":", 1) == digest


@few
@given(st.text())
def test_what_is_shown_is_short_and_printable(text: str) -> None:
    shown = oci.shown(text)
    assert len(shown) <= 101
    assert shown.isprintable()


@few
@given(st.text(string.ascii_letters + string.digits + "._-/:", max_size=100))
def test_what_is_harmless_is_shown_as_it_is(text: str) -> None:
    assert oci.shown(text) == text
