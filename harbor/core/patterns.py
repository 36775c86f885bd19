"""Patterns that name tags and repositories, in the language that Harbor calls doublestar.

``*`` is any text without a slash, ``**`` any text at all, ``?`` one character but a slash,
``[abc]``, ``[a-z]``, ``[^a]`` or ``[!a]`` one character of a set, which is never a slash,
``{a,b}`` one of several patterns; ``\\`` takes the next character as it is. The whole text must
fit, and capitals count. ``**/`` at the start or after a slash also stands for nothing.

Anybody who may write a rule writes patterns. So they become a machine that looks at every character
of a text once, however the pattern is made; the alternatives of braces are parts of that machine,
and are never multiplied out.

Source: https://github.com/bmatcuk/doublestar, which Harbor uses.
"""

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct, field

from harbor.core.i18n import Phrase

MAX_LENGTH = 1_024
MOST_REMEMBERED = 256  # steps of one pattern
Takes = Callable[[str], bool]


class PatternInvalid(ValueError):
    """A text that is no pattern; the phrase says why."""

    def __init__(self, why: Phrase) -> None:
        super().__init__(why)
        self.why = why


class State(Struct):
    """A point between two parts of a pattern."""

    takes: Takes | None = None  # which character leads from here to *to*
    to: int = 0
    skips: list[int] = field(default_factory=list)  # points reached from here without a character


class Brace(Struct):
    """An open ``{``: where its alternatives begin, and where those before have ended."""

    start: int
    ends: list[int]


class Pattern:
    """A pattern, ready to be compared with texts."""

    def __init__(self, text: str) -> None:
        self._states = [State()]
        self._last = 0  # the point that the part read so far leads to
        self._build(text)
        self._begins = self._closures()
        self._remembered: dict[tuple[int, str], int] = {}

    def fits(self, text: str) -> bool:
        """Whether the whole *text* is what the pattern describes."""
        reached = self._begins[0]
        for character in text:
            if not reached:
                return False
            reached = self._step(reached, character)
        return bool(reached >> self._last & 1)

    def _step(self, reached: int, character: str) -> int:
        """The points after *character*, from those in *reached*; both are sets of bits."""
        known = self._remembered.get((reached, character))
        if known is not None:
            return known
        found, left = 0, reached
        while left:
            lowest = left & -left
            state = self._states[lowest.bit_length() - 1]
            if state.takes is not None and state.takes(character):
                found |= self._begins[state.to]
            left ^= lowest
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[reached, character] = found
        return found

    def _closures(self) -> list[int]:
        """For each point the set of those that are as good as reached with it.

        What is skipped to always stands later, so the last are done first.
        """
        found = [0] * len(self._states)
        for number in range(len(self._states) - 1, -1, -1):
            found[number] = 1 << number
            for each in self._states[number].skips:
                found[number] |= found[each]
        return found

    def _build(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise PatternInvalid(
                Phrase("a pattern has at most %(most)s characters", most=MAX_LENGTH)
            )
        open_braces: list[Brace] = []
        position = 0
        while position < len(text):
            character = text[position]
            position += 1
            if character == "*":
                position = self._star(text, position)
            elif character == "{":
                open_braces.append(Brace(self._last, []))
                self._fork(self._last)
            elif character == "," and open_braces:
                open_braces[-1].ends.append(self._last)
                self._fork(open_braces[-1].start)
            elif character == "}" and open_braces:
                self._join([*open_braces.pop().ends, self._last])
            else:
                position = self._character(text, position)
        if open_braces:
            raise PatternInvalid(Phrase("a { in the pattern has no }"))

    def _character(self, text: str, position: int) -> int:
        """One character that is no star or brace; return where the next part begins."""
        character = text[position - 1]
        if character == "?":
            self._take(no_slash)
        elif character == "[":
            chosen, position = characters(text, position)
            self._take(chosen)
        elif character == "\\":
            if position == len(text):
                raise PatternInvalid(Phrase("a \\ at the end of the pattern stands for nothing"))
            self._take(text[position].__eq__)
            position += 1
        else:
            self._take(character.__eq__)
        return position

    def _star(self, text: str, position: int) -> int:
        """``*`` before *position*, or more of them; return where the next part begins."""
        start = position - 1
        while position < len(text) and text[position] == "*":
            position += 1
        if position - start == 1:
            self._repeat(no_slash)
            return position
        before = self._last
        self._repeat(anything)
        if text[position : position + 1] == "/" and (start == 0 or text[start - 1] == "/"):
            self._take("/".__eq__)
            self._join([before, self._last])
            position += 1
        return position

    def _new(self) -> int:
        self._states.append(State())
        return len(self._states) - 1

    def _take(self, takes: Takes) -> None:
        state = self._states[self._last]
        state.takes, state.to = takes, self._new()
        self._last = state.to

    def _repeat(self, takes: Takes) -> None:
        """Any number of characters, none too."""
        self._fork(self._last)
        self._states[self._last].takes, self._states[self._last].to = takes, self._last
        self._fork(self._last)

    def _fork(self, start: int) -> None:
        """Go on at a new point that is reached with *start*."""
        new = self._new()
        self._states[start].skips.append(new)
        self._last = new

    def _join(self, ends: list[int]) -> None:
        """Go on at a new point that is reached with any of *ends*."""
        new = self._new()
        for end in ends:
            self._states[end].skips.append(new)
        self._last = new


def no_slash(character: str) -> bool:
    return character != "/"


def anything(_character: str) -> bool:
    return True


def characters(text: str, position: int) -> tuple[Takes, int]:
    """The set that begins after the ``[`` before *position*, and where the next part begins."""
    negated = text[position : position + 1] in ("^", "!")
    position += negated
    ranges: list[tuple[str, str]] = []
    while text[position : position + 1] != "]":
        low, position = one(text, position)
        high = low
        if text[position : position + 1] == "-":
            high, position = one(text, position + 1)
        ranges.append((low, high))
    if not ranges:
        raise PatternInvalid(Phrase("a [ in the pattern has no characters before its ]"))

    def takes(character: str) -> bool:
        inside = any(low <= character <= high for low, high in ranges)
        return inside != negated and character != "/"

    return takes, position + 1


def one(text: str, position: int) -> tuple[str, int]:
    """One character of a set, maybe after a ``\\``, and where the next begins."""
    escaped = text[position : position + 1] == "\\"
    position += escaped
    character = text[position : position + 1]
    if not character:
        raise PatternInvalid(Phrase("a [ in the pattern has no ]"))
    if not escaped and character in "-]":
        raise PatternInvalid(
            Phrase("write \\%(character)s for a %(character)s inside of [ ]", character=character)
        )
    return character, position + 1


@lru_cache(maxsize=128)
def compiled(text: str) -> Pattern:
    """*text* as a pattern; ``PatternInvalid``. The empty one fits everything."""
    return Pattern(text or "**")


def from_list(text: str) -> str:
    """One pattern for what people write: several, parted by commas; with ``**`` it is all."""
    if "{" in text or "\\" in text:
        return text.strip()  # whoever writes so knows the language
    parts = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not parts or "**" in parts:
        return "**"
    return parts[0] if len(parts) == 1 else "{" + ",".join(parts) + "}"


def to_list(pattern: str) -> list[str]:
    """The same backwards: what to show of a pattern."""
    inside = pattern[1:-1]
    braced = pattern.startswith("{") and pattern.endswith("}")
    if not braced or any(sign in inside for sign in "{}\\["):
        return [pattern or "**"]
    return inside.split(",")
