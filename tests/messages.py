"""Keeps the catalogues of ``templates/locale`` complete: ``make messages``.

Every text of templates and code gets an entry in every language; what a translator wrote stays;
entries without a text go. The files depend on nothing but that, so they merge well.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages import extract
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import normalize, read_po
from jinja2.ext import babel_extract

from harbor.core.i18n import LANGUAGES, SOURCE, Code

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "templates" / "locale"
KEYWORDS = {"_": None, "gettext": None, "later": None, "Phrase": None, "ngettext": (1, 2)}
ENGLISH_ONLY = ("portal/gallery.html", "portal/gallery_dialog.html")  # for developers
HAN = "\u4e00-\u9fff"
WIDE = {",": "\uff0c", ":": "\uff1a", ";": "\uff1b", "?": "\uff1f", "!": "\uff01"}
OPTIONS = {
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "newstyle_gettext": "true",
    "extensions": "harbor.core.jinja.Cell",
    "silent": "false",
}
Key = str | tuple[str, str]


def found() -> set[Key]:
    """Every text that is to be translated; one that counts as two: one of it, and many."""
    return {*from_templates(), *from_code()}


def from_templates() -> Iterator[Key]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if str(path.relative_to(ROOT / "templates")) not in ENGLISH_ONLY:
            with path.open("rb") as file:
                for _line, function, text, _ in babel_extract(file, list(KEYWORDS), [], OPTIONS):
                    texts = [
                        part for part in ([text] if isinstance(text, str) else text or ()) if part
                    ]
                    if texts:  # what is computed is translated elsewhere
                        yield (texts[0], texts[1]) if function == "ngettext" else texts[0]


def from_code() -> Iterator[Key]:
    for path in sorted((ROOT / "harbor").rglob("*.py")):
        with path.open("rb") as file:
            for _line, text, _, _ in extract.extract("python", file, KEYWORDS):
                yield text if isinstance(text, str) else (text[0], text[1])


def path_of(code: Code) -> Path:
    return LOCALE / code / "messages.po"


def kept(code: Code) -> Catalog:
    path = path_of(code)
    if not path.exists():
        return Catalog(locale=locale_of(code))
    with path.open("rb") as file:
        return read_po(file, locale=locale_of(code))


def locale_of(code: Code) -> str:
    head, _, tail = code.partition("-")
    return f"{head}_{tail.upper()}"


def written(code: Code, keys: set[Key]) -> str:
    """The catalogue of a language for *keys*, with what it says already."""
    before = kept(code)
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {code}\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {before.plural_forms}\\n"\n'
    )
    if code.startswith("zh"):
        for message in before:
            if isinstance(message.string, str):
                message.string = in_chinese(message.string)
    entries = [entry(before, key) for key in sorted(keys, key=first)]
    return "\n".join([header, *entries])


def in_chinese(text: str) -> str:
    """*text* with the wide punctuation that stands beside Chinese characters."""
    for narrow, wide in WIDE.items():
        text = re.sub(rf"(?<=[{HAN}]){re.escape(narrow)} ?", wide, text)
    return text


def first(key: Key) -> str:
    return key if isinstance(key, str) else key[0]


def entry(catalog: Catalog, key: Key) -> str:
    message: Message | None = catalog.get(first(key))
    told = message.string if message else ""
    if isinstance(key, str):
        text = told if isinstance(told, str) else ""
        return f"msgid {normalize(key, width=100)}\nmsgstr {normalize(text, width=100)}\n"
    texts = told if isinstance(told, tuple | list) else ()
    lines = [
        f"msgid {normalize(key[0], width=100)}",
        f"msgid_plural {normalize(key[1], width=100)}",
    ]
    for number in range(catalog.num_plurals):
        text = texts[number] if number < len(texts) else ""
        lines.append(f"msgstr[{number}] {normalize(text, width=100)}")
    return "\n".join(lines) + "\n"


def missing(code: Code, keys: set[Key]) -> list[str]:
    """The texts that nobody has translated yet."""
    catalog = kept(code)
    found = []
    for key in sorted(keys, key=first):
        message = catalog.get(first(key))
        told = message.string if message else ""
        if not (all(told) if isinstance(told, tuple | list) else told):
            found.append(first(key))
    return found


def update() -> None:
    keys = found()
    for code in [code for code in LANGUAGES if code != SOURCE]:
        path = path_of(code)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(code, keys), "utf-8")
    print(
        f"{len(keys)} texts; in Chinese these are missing:",
        *missing(Code("zh-cn"), keys),
        sep="\n  ",
    )


if __name__ == "__main__":
    update()
