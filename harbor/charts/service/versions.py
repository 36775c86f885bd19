"""What is done: versions of charts, and the names that follow from them. Pure.

Source: Semantic Versioning 2.0.0, with the "v" in front that Helm takes too; Helm pkg/registry, for
the plus that no tag may hold.
"""

import re
from collections.abc import Iterator

NUMBER = r"(0|[1-9][0-9]{0,17})"
WORDS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
VERSION = re.compile(rf"v?{NUMBER}\.{NUMBER}\.{NUMBER}(?:-({WORDS}))?(?:\+{WORDS})?")
MAX_VERSION = 128  # characters, as of a tag
ENDINGS = (".tgz.prov", ".tgz", ".prov")
Key = tuple[tuple[int, int, int], bool, tuple[tuple[int, int, str], ...], str]


def is_version(text: str) -> bool:
    found = VERSION.fullmatch(text) if len(text) <= MAX_VERSION else None
    if found is None:
        return False
    words = (found[4] or "").split(".")
    return not any(len(word) > 1 and word[0] == "0" and word.isdigit() for word in words)


def key(version: str) -> Key:
    """What sorts versions by their precedence; those of equal precedence by their text."""
    found = VERSION.fullmatch(version)
    assert found is not None
    words = tuple(
        (0, int(word[:1000]), "") if word.isdigit() else (1, 0, word)
        for word in (found[4] or "").split(".")
        if word
    )
    return (int(found[1]), int(found[2]), int(found[3])), not words, words, version


def tag_of(version: str) -> str:
    return version.replace("+", "_")


def version_of(tag: str) -> str | None:
    """The version that a tag means, if it means one; no version holds an underscore."""
    version = tag.replace("_", "+")
    return version if is_version(version) else None


def file_of(chart: str, version: str) -> str:
    """The name of the archive; of a chart in a folder, without the folder."""
    return f"{chart.rpartition('/')[2]}-{version}.tgz"


def parts_of(filename: str) -> tuple[list[tuple[str, str]], bool]:
    """The names and versions that the name of a file may mean, and whether it is a signature's."""
    ending = next((each for each in ENDINGS if filename.endswith(each)), "")
    if not ending:
        return [], False
    return list(split(filename.removesuffix(ending))), ending != ".tgz"


def split(stem: str) -> Iterator[tuple[str, str]]:
    """Both name and version may hold hyphens; the shortest name comes first."""
    for found in re.finditer("-", stem):
        name, version = stem[: found.start()], stem[found.end() :]
        if name and is_version(version):
            yield name, version
