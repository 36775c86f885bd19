"""What is done: read what a provenance file says it signs. Whether it did is for Helm to verify.

Source: Helm 3 pkg/provenance/sign.go: a clear-signed text, which is Chart.yaml, a line of dots, and
the sums of files.
"""

from msgspec import Struct

from harbor.charts.schemas import Metadata
from harbor.charts.service.documents import check, converted, load
from harbor.charts.service.versions import file_of
from harbor.core.errors import BadRequest
from harbor.core.oci import Digest

MAX_BYTES = 1024 * 1024
BEGIN, SIGNED = b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----BEGIN PGP SIGNATURE-----"
END = b"-----END PGP SIGNATURE-----"


class Provenance(Struct, frozen=True):
    name: str
    version: str
    digest: Digest  # that the archive must have
    raw: bytes


def read(raw: bytes) -> Provenance:
    """What a provenance file is about; ``BadRequest`` if it is none."""
    lines = [line.rstrip() for line in raw.splitlines()]
    if BEGIN not in lines or SIGNED not in lines or END not in lines:
        raise BadRequest("this is no provenance file: it holds no signed message")
    begin, end = lines.index(BEGIN), lines.index(SIGNED)
    # After the line that begins it come headers, and an empty line ends them.
    body = lines[begin + 1 : end]
    body = body[body.index(b"") + 1 :] if b"" in body else []
    body = [line.removeprefix(b"- ") if line.startswith(b"- -") else line for line in body]
    if b"..." not in body:
        raise BadRequest("this is no provenance file: it holds no sums of files")
    middle = body.index(b"...")
    about: Metadata = converted(load(b"\n".join(body[:middle]), "provenance"), Metadata, "prov")
    check(about)
    sums = load(b"\n".join(body[middle + 1 :]), "provenance")
    files = sums.get("files") if isinstance(sums, dict) else None
    digest = files.get(file_of(about.name, about.version)) if isinstance(files, dict) else None
    if not isinstance(digest, str):
        raise BadRequest(f"the provenance file has no sum of {file_of(about.name, about.version)}")
    return Provenance(about.name, about.version, Digest(digest), raw)


def agree(signed: Provenance, name: str, version: str, digest: Digest) -> None:
    """``BadRequest`` if the provenance is of another chart."""
    if (signed.name, signed.version, signed.digest) != (name, version, digest):
        raise BadRequest(f"the provenance file is not of {file_of(name, version)}")
