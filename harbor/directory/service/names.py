"""What is done: write names of LDAP in one way, so that equal ones are equal."""

import re
from unicodedata import category

ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)
SPACES = re.compile(r"\s+")


def is_unprintable(text: str) -> bool:
    """Whether there is something in it that would begin a new line in a log or a header."""
    return any(category(letter) == "Cc" for letter in text)


def parts(dn: str) -> list[str]:
    """A distinguished name at its unescaped commas: the nearest part first."""
    found, begun, at = [], 0, 0
    while at < len(dn):
        if dn[at] == "\\":
            at += 1
        elif dn[at] in ",;":
            found.append(dn[begun:at])
            begun = at + 1
        at += 1
    return [*found, dn[begun:]]


def folded(dn: str) -> str:
    """A distinguished name in the spelling that all equal ones share (RFC 4514, RFC 4518).

    Directories compare names without regard to case and to surplus spaces.
    """
    return ",".join(folded_part(part) for part in parts(dn)).lower()


def folded_part(part: str) -> str:
    kind, _, value = part.partition("=")
    return f"{kind.strip()}={reescaped(SPACES.sub(' ', value.strip()))}"


def reescaped(value: str) -> str:
    """A value in which each character that is special is escaped, and in one way."""
    plain = unescaped(value)
    return "".join(f"\\{letter}" if letter in ',;+=\\"<>#' else letter for letter in plain)


def unescaped(value: str) -> str:
    """What a value of a distinguished name stands for; bytes that are escaped may be UTF-8."""
    raw = bytearray()
    at = 0
    while at < len(value):
        found = ESCAPED.match(value, at)
        if found is None:
            raw += value[at].encode("utf-8", "surrogatepass")
            at += 1
        else:
            code = found[1]
            two = len(code) == 2  # noqa: PLR2004, two hexadecimal digits
            raw += bytes.fromhex(code) if two else code.encode("utf-8", "surrogatepass")
            at = found.end()
    return raw.decode("utf-8", "replace")


def is_below(dn: str, base: str) -> bool:
    """Whether *dn* is *base*, or somewhere below it; everything is below no base."""
    if not base.strip():
        return True
    inner, outer = folded(dn), folded(base)
    return inner == outer or inner.endswith("," + outer)


def is_dn(text: str) -> bool:
    """Whether that looks like a distinguished name: each part an attribute and a value."""
    return bool(text.strip()) and all(
        re.fullmatch(r"\s*[A-Za-z0-9][A-Za-z0-9.-]*\s*=.*\S.*", part, re.DOTALL)
        for part in parts(text)
    )
