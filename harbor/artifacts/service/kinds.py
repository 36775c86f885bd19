"""What is done: say what an artifact is, for people, and how a client gets it."""

from msgspec import Struct

from harbor.artifacts.service.details import CHART, CNAB, CNAI, IMAGE, SBOM, WASM
from harbor.core.i18n import later
from harbor.core.manifests import INDEXES


class Kind(Struct, frozen=True):
    """``title`` is English, and translated where it is shown."""

    type: str  # as artifacts are filtered by
    title: str
    icon: str


KINDS = (
    Kind(IMAGE, later("Image"), "container"),
    Kind(CHART, later("Helm chart"), "ship"),
    Kind(CNAB, later("CNAB bundle"), "package"),
    Kind(WASM, later("WebAssembly module"), "cpu"),
    Kind(CNAI, later("AI model"), "bot"),
    Kind(SBOM, later("SBOM"), "list-checks"),
)
INDEX = Kind(IMAGE, later("Image index"), "layers-2")
BY_TYPE = {kind.type: kind for kind in KINDS}
ACCESSORIES = {
    "signature.cosign": Kind("", later("Cosign signature"), "badge-check"),
    "signature.notation": Kind("", later("Notation signature"), "badge-check"),
    "sbom.harbor": Kind("", later("SBOM"), "list-checks"),
    "accelerator.nydus": Kind("", later("Nydus accelerator"), "zap"),
    "subject.accessory": Kind("", later("Attached artifact"), "link"),
}
UNKNOWN = "UNKNOWN"


def kind_of(type_: str, media_type: str) -> Kind:
    """The kind of an artifact of that type, whose manifest has that media type."""
    if type_ == IMAGE and media_type in INDEXES:
        return INDEX
    title = later("Artifact") if type_ == UNKNOWN else type_.capitalize()
    return BY_TYPE.get(type_) or Kind(type_, title, "file")


def accessory_kind(kind: str) -> Kind:
    return ACCESSORIES.get(kind) or Kind("", kind, "link")


def version_of(tag: str) -> str:
    """The version of a chart: it cannot hold the "_" that stands for "+" in a tag."""
    return tag.replace("_", "+")


def pull_command(kind: Kind, image: str, reference: str, program: str) -> str:
    """How to get an artifact; *reference* begins with ``:`` or ``@``, *program* pulls images."""
    if kind.type == CHART:
        tag = reference.removeprefix(":")
        version = f" --version {version_of(tag)}" if reference.startswith(":") else reference
        return f"helm pull oci://{image}{version}"
    if kind.type == CNAB:
        return f"cnab-to-oci pull {image}{reference}"
    if kind.type == IMAGE:
        return f"{program} pull {image}{reference}"
    return f"oras pull {image}{reference}"
