"""What is done: accept a manifest. All the rules of a push, in the order in which they apply."""

from harbor.artifacts.schemas import Place, Pushed
from harbor.core import manifests, oci
from harbor.core.errors import DigestInvalid
from harbor.core.manifests import Manifest
from harbor.core.oci import Digest


def check(media_type: str, raw: bytes, reference: str) -> tuple[Digest, Manifest]:
    """What needs no database: grammar, and the digest if the client named one."""
    manifest = manifests.parse(media_type, raw)
    if not oci.is_digest(reference):
        return oci.digest_of(raw), manifest
    said = oci.parse_digest(reference)
    actual = oci.digest_of(raw, said.partition(":")[0])
    if actual != said:
        raise DigestInvalid(
            f"provided digest {said} did not match uploaded content, which is {actual}"
        )
    return said, manifest


def pushed(place: Place, *, reference: str, media_type: str, raw: bytes) -> Pushed:
    """A manifest that may be kept once its blobs are known to be here.

    Source: OCI distribution-spec v1.1 "Pushing Manifests"; Harbor src/server/registry/route.go.
    """
    digest, manifest = check(media_type, raw, reference)
    tag = None if oci.is_digest(reference) else oci.parse_tag(reference)
    return Pushed(place, digest, manifest, raw, tag)
