"""Digests, names and tags: the grammar of the OCI distribution API. Pure parsing.

Everything that comes from a client passes through here once, before it names a row or a file.
The patterns are ASCII only and anchored at both ends: a name with a newline, a dot-dot or a
letter of another alphabet is no name.

Source: OCI distribution-spec v1.1 "Pulling manifests"; OCI image-spec v1.1 "Digests".
"""

import hashlib
import re
from typing import NewType

from harbor.core.errors import DigestInvalid, NameInvalid, TagInvalid

Digest = NewType("Digest", str)  # "sha256:" and 64, or "sha512:" and 128, hexadecimal digits

COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(rf"{COMPONENT}(?:/{COMPONENT})*")
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
ANY_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
COSIGN_TAG = re.compile(r"(sha256-[0-9a-f]{64})\.sig")
MAX_NAME = 255  # characters, project included


def parse_name(text: str) -> str:
    """*text* as a repository name with its project; ``NameInvalid`` if it is not one."""
    if len(text) > MAX_NAME:
        raise NameInvalid(f"repository name is longer than {MAX_NAME} characters")
    if not NAME.fullmatch(text):
        raise NameInvalid(f"invalid repository name: {shown(text)}")
    return text


def parse_tag(text: str) -> str:
    """*text* as a tag; ``TagInvalid`` if it is not one."""
    if not TAG.fullmatch(text):
        raise TagInvalid(f"invalid tag: {shown(text)}")
    return text


def parse_digest(text: str) -> Digest:
    """*text* as a digest; ``DigestInvalid`` if it is none, or of an unknown algorithm."""
    if DIGEST.fullmatch(text):
        return Digest(text)
    algorithm = text.partition(":")[0]
    if ANY_DIGEST.fullmatch(text) and algorithm not in ("sha256", "sha512"):
        raise DigestInvalid(f"unsupported digest algorithm: {shown(algorithm)}")
    raise DigestInvalid(f"invalid digest: {shown(text)}")


class Reference(str):
    """A tag or a digest, as it stands in a path."""

    __slots__ = ()

    @property
    def joined(self) -> str:
        """With the sign that joins it to a repository's name: ``:1.0`` or ``@sha256:…``."""
        return ("@" if is_digest(self) else ":") + self

    @property
    def kind(self) -> str:
        """What it names, as the audit log calls it."""
        return "artifact" if is_digest(self) else "tag"


def is_digest(reference: str) -> bool:
    """Whether a manifest reference means a digest; no tag may hold a colon."""
    return ":" in reference


def fallback_tag(digest: Digest) -> str:
    """The tag under which clients without the referrers API list what refers to *digest*.

    Source: OCI distribution-spec v1.1 "Referrers Tag Schema".
    """
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"


def digest_of(data: bytes, algorithm: str = "sha256") -> Digest:
    return Digest(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")


def shown(text: str) -> str:
    """*text* fit for a message: short, and without control characters."""
    limit = 100
    printable = text.encode("unicode_escape").decode()
    return printable if len(printable) <= limit else printable[:limit] + "…"
