"""What is done: read YAML that anybody may have written. Loaded with the first chart.

libyaml's composer descends by recursion in C, so what is nested deeply would end the process: the
events are looked at first. Aliases are refused, for a few of them make gigabytes.
"""

import re
from typing import Any

import yaml

from harbor.core.errors import BadRequest
from harbor.core.i18n import Phrase
from harbor.core.oci import shown

MOST_READ = 256 * 1024  # bytes of one document
MAX_DEPTH = 64
OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
NULL, FLOAT, BOOL = (f"tag:yaml.org,2002:{name}" for name in ("null", "float", "bool"))
TRUE = "y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON"
FALSE = "n|N|no|No|NO|false|False|FALSE|off|Off|OFF"
# What the library raises for tags like ``!!bool`` before other texts, too.
FAULTS = (yaml.YAMLError, ValueError, OverflowError, LookupError, TypeError, AttributeError)
YES = frozenset(TRUE.split("|"))


class Texts(yaml.CBaseLoader):
    """Scalars as texts, which is what Helm makes of them too."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        made = super().construct_mapping(node, deep=deep)
        if len(made) != len(node.value):
            raise yaml.YAMLError("a key comes twice")
        return made


def _float(_loader: Any, node: Any) -> str:
    """A number as Helm writes it: ``1.10`` without quotes is ``1.1``."""
    return repr(float(node.value)).removesuffix(".0")


Texts.add_implicit_resolver(NULL, re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
Texts.add_implicit_resolver(
    FLOAT, re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{0,15}$"), list("-+0123456789")
)
Texts.add_implicit_resolver(BOOL, re.compile(rf"(?:{TRUE}|{FALSE})$"), list("yYtToOnNfF"))
Texts.add_constructor(BOOL, lambda loader, node: "true" if node.value in YES else "false")
Texts.add_constructor(NULL, lambda loader, node: None)
Texts.add_constructor(FLOAT, _float)


def load(raw: bytes, name: str, *, typed: bool) -> Any:
    """What a document holds, as texts or *typed*; ``BadRequest`` says why it cannot be read."""
    if len(raw) > MOST_READ:
        raise BadRequest(
            Phrase("%(name)s is larger than %(most)s bytes", name=name, most=MOST_READ)
        )
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode()
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CLoader):
            depth += isinstance(event, OPENING) - isinstance(event, CLOSING)
            if depth > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
                raise BadRequest(Phrase("%(name)s has aliases, or is nested too deeply", name=name))
        loader = yaml.CSafeLoader if typed else Texts
        return yaml.load(text, Loader=loader)  # noqa: S506, both loaders make plain data only
    except FAULTS as error:
        raise BadRequest(
            Phrase("%(name)s is no YAML: %(error)s", name=name, error=shown(str(error)))
        ) from error
