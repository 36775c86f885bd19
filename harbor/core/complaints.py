"""What is wrong with a value that a client sent, so that a page can say it in its language.

msgspec says it in English, in a few forms; of each there is a phrase that says just the same.
"""

import re

import msgspec

from harbor.core.i18n import Phrase, later

NOWHERE = ""
PLACE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`(?P<path>[^`]*)`)?", re.DOTALL)
FORMS = tuple(
    (re.compile(form, re.DOTALL), phrase)
    for form, phrase in (
        (
            r"Expected `int` >= (?P<least>\S+)",
            later("%(where)s: Expected `int` >= %(least)s%(place)s"),
        ),
        (
            r"Expected `int` <= (?P<most>\S+)",
            later("%(where)s: Expected `int` <= %(most)s%(place)s"),
        ),
        (
            r"Expected `float` >= (?P<least>\S+)",
            later("%(where)s: Expected `float` >= %(least)s%(place)s"),
        ),
        (
            r"Expected `float` <= (?P<most>\S+)",
            later("%(where)s: Expected `float` <= %(most)s%(place)s"),
        ),
        (
            r"Expected `str` of length >= (?P<least>\d+)",
            later("%(where)s: Expected `str` of length >= %(least)s%(place)s"),
        ),
        (
            r"Expected `str` of length <= (?P<most>\d+)",
            later("%(where)s: Expected `str` of length <= %(most)s%(place)s"),
        ),
        (
            r"Expected `array` of length <= (?P<most>\d+)",
            later("%(where)s: Expected `array` of length <= %(most)s%(place)s"),
        ),
        (
            r"Expected `str` matching regex (?P<regex>.+)",
            later("%(where)s: Expected `str` matching regex %(regex)s%(place)s"),
        ),
        (
            r"Expected `(?P<kind>[^`]+)`, got `(?P<got>[^`]+)`",
            later("%(where)s: Expected `%(kind)s`, got `%(got)s`%(place)s"),
        ),
        (
            r"Object missing required field `(?P<field>[^`]+)`",
            later("%(where)s: Object missing required field `%(field)s`%(place)s"),
        ),
        (
            r"Invalid enum value (?P<value>.+)",
            later("%(where)s: Invalid enum value %(value)s%(place)s"),
        ),
        (
            r"Integer value out of range",
            later("%(where)s: Integer value out of range%(place)s"),
        ),
    )
)  # fmt: skip
WHERE = {"query": Phrase("query"), "body": Phrase("body"), "path": Phrase("path")}


def unfit(where: str, error: msgspec.ValidationError) -> Phrase:
    """What msgspec says about a value in the query, the body or the path."""
    said = str(error)
    found = PLACE.fullmatch(said)
    assert found is not None  # the first part takes anything
    what, place = found["what"], NOWHERE
    if found["path"] and not found["key"]:
        place = Phrase(" - at `%(path)s`", path=found["path"])
    elif found["path"]:
        what = said
    for form, phrase in FORMS:
        if fits := form.fullmatch(what):
            told = Phrase(phrase, where=WHERE[where], place=place, **fits.groupdict())
            if told == f"{where}: {said}":
                return told
    return Phrase("%(where)s: %(why)s", where=WHERE[where], why=said)
