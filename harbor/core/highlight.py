"""JSON and YAML in colours: as HTML whose classes say what is what.

It is done here, line by line, and not by a library: what is shown was pushed by anybody, and the
lexers that were tried take minutes for a hundred kilobytes that were made for it.
"""

import json
import re
from collections.abc import Callable, Iterator
from io import StringIO

from markupsafe import Markup, escape

from harbor.core.archives import Courtesy

MOST = 256 * 1024  # characters; what is longer stays plain
MOST_LINE = 500  # characters of a line of YAML
JSON_PART = re.compile(
    r'(?P<name>"(?:[^"\\]|\\.)*"(?=:))|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<word>\btrue\b|\bfalse\b|\bnull\b)|(?P<number>-?\d[\d.eE+-]*)"
)
YAML_PART = re.compile(
    r"""(?P<comment>(?:^|(?<=\s))\#.*)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')"""
    r"|(?P<word>[&*!][\w./!-]*|(?<![\w.-])(?i:true|false|null|yes|no|on|off|~)(?![\w.-]))"
    r"|(?P<number>(?<![\w.-])[-+]?[0-9][0-9_.]*(?:[eE][-+]?[0-9]+)?(?![\w.-]))"
)
YAML_HEAD = re.compile(r"[ ]*(?:-[ ]+)*")
YAML_BLOCK = re.compile(r"\s*(?:[&!]\S+\s+)*[|>][-+0-9]*\s*(?:#.*)?")
PLAIN = re.compile(r"""[^"'\[{&*!#|>]""")  # how a value begins that is text as it stands
Part = tuple[str, str]  # a class, or "", and what it is of


def indented(raw: bytes) -> str:
    """JSON with its parts below each other; as it is, if it is none."""
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return raw.decode(errors="replace")


def coloured(text: str, language: str = "json") -> Markup:
    """*text* with a ``span`` around each name, value and comment; in a thread, if it is long.

    JSON must be as ``indented`` has made it.
    """
    if len(text) > MOST:
        return escape(text)
    pieces: list[str] = []
    rest = Courtesy()
    for kind, part in LANGUAGES[language](text):
        rest()
        shown = escape(part)
        pieces.append(f'<span class="code-{kind}">{shown}</span>' if kind and part else shown)
    return Markup("".join(pieces))  # noqa: S704  just escaped


def of_json(text: str) -> Iterator[Part]:
    for line in StringIO(text):  # none of its texts goes on in another line
        yield from parts(JSON_PART, line)


def of_yaml(text: str) -> Iterator[Part]:
    block: int | None = None  # how far the text that is below its name must be indented
    for line in StringIO(text):
        depth = len(line) - len(line.lstrip(" "))
        if block is not None and (not line.strip() or depth > block):
            yield "text", line
            continue
        block = None
        if len(line) > MOST_LINE or not line.strip():
            yield "", line
            continue
        head = YAML_HEAD.match(line)
        begin = head.end() if head else 0
        name = name_in(line[begin:])
        yield "", line[:begin]
        yield "name", name
        value = line[begin + len(name) :]
        if YAML_BLOCK.fullmatch(value.removeprefix(":")):
            # Below a dash it is the name that counts; without a name the dash.
            block = begin - 1 if name and begin > depth else depth
        yield from of_value(value)


def name_in(line: str) -> str:
    """The name that a line begins with, before its colon; "" if it has none."""
    quote = line[:1]
    if quote in ('"', "'"):
        end = line.find(quote, 1) + 1
        return line[:end] if end and line[end : end + 1] == ":" else ""
    end = line.find(": ")
    if end < 0 and line.rstrip().endswith(":"):
        end = len(line.rstrip()) - 1
    name = line[: max(end, 0)]
    return "" if name.startswith(("#", "{", "[")) or " #" in name else name


def of_value(value: str) -> Iterator[Part]:
    """What follows a name, or stands alone."""
    bare = value.removeprefix(":").strip(" ")
    before = value[: len(value) - len(value.lstrip(": "))]
    if not PLAIN.match(bare):
        yield from parts(YAML_PART, value)
        return
    text, mark, comment = value[len(before) :].partition(" #")
    found = YAML_PART.fullmatch(text.strip())
    yield "", before
    yield found.lastgroup or "text" if found else "text", text
    yield "comment", mark + comment


def parts(pattern: re.Pattern[str], line: str) -> Iterator[Part]:
    last = 0
    for found in pattern.finditer(line):
        yield "", line[last : found.start()]
        yield found.lastgroup or "", found[0]
        last = found.end()
    yield "", line[last:]


LANGUAGES: dict[str, Callable[[str], Iterator[Part]]] = {"json": of_json, "yaml": of_yaml}
