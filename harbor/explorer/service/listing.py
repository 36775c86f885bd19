"""What is done: the layers of an artifact are found, and a page of their files is shown."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from harbor.artifacts.models import Artifact, ArtifactDetails, Manifest
from harbor.artifacts.schemas import Place
from harbor.artifacts.service import catalogue
from harbor.core import manifests
from harbor.core.errors import BadRequest, NotFound
from harbor.core.i18n import Phrase, told
from harbor.core.manifests import INDEXES, Descriptor
from harbor.core.oci import Digest, shown
from harbor.explorer.schemas import FileList, FileQuery, Index, Layer, PackageFile, Summary
from harbor.explorer.service import trees
from harbor.explorer.service.blocks import Blocks, Memory, Source
from harbor.explorer.service.layers import MISSING, Explorer, Reading, Unread, unread
from harbor.explorer.service.planting import planted
from harbor.explorer.service.reading import packages_of
from harbor.explorer.service.trees import Tree
from harbor.explorer.service.views import View

MOST_LAYERS = 500
PATIENCE_S = 10.0  # within a request; then the client is told how far it is
GLANCE_S = 0.5  # within a page, which then shows how far it is, and asks again


class Subject(Struct, frozen=True):
    """An artifact that is looked into."""

    digest: str
    config: str | None  # what is kept of it, a JSON object
    layers: list[Descriptor]  # the lowest first


async def subject_of(session: AsyncSession, place: Place, reference: str) -> Subject:
    """The artifact that a tag or a digest names; ``NotFound``, ``BadRequest`` for an index."""
    known = await catalogue.find(session, place, reference)
    row = await session.execute(
        select(Artifact.manifest_media_type, Manifest.content, ArtifactDetails.extra_attrs)
        .join(Manifest, Manifest.digest == Artifact.digest)
        .outerjoin(ArtifactDetails, ArtifactDetails.artifact_id == Artifact.id)
        .where(Artifact.id == known.id)
    )
    media_type, content, config = row.one()
    if media_type in INDEXES:
        raise BadRequest(Phrase("an index has no files, but the images that it lists have"))
    manifest = manifests.parse(media_type, content)
    if len(manifest.layers) > MOST_LAYERS:
        raise BadRequest(Phrase("the artifact has more than %(most)s layers", most=MOST_LAYERS))
    layers = [
        # Whoever pushed it may have named any digest in the place of one that needs not be here.
        layer if layer.digest in manifest.blobs else Descriptor(digest="", size=layer.size)
        for layer in manifest.layers
    ]
    return Subject(known.digest, config, layers)


class Layers:
    """The layers of one artifact, and what is known of each."""

    def __init__(self, subject: Subject, known: Mapping[Digest, Summary | Reading]) -> None:
        self.subject = subject
        self._known = known

    @property
    def ready(self) -> bool:
        return all(isinstance(each, Summary) for each in self._found())

    def summaries(self) -> list[Summary]:
        return [each for each in self._found() if isinstance(each, Summary)]

    def _found(self) -> list[Summary | Reading]:
        elsewhere = unread(Digest(""), MISSING)
        return [self._known.get(Digest(each.digest), elsewhere) for each in self.subject.layers]

    @property
    def is_unread(self) -> bool:
        """Whether a layer could not be opened: the next look may find more."""
        return any(isinstance(each, Unread) for each in self._found())

    def number(self, digest: str) -> int | None:
        """Which layer has this digest; ``None`` for none; ``NotFound``."""
        if not digest:
            return None
        for number, layer in enumerate(self.subject.layers):
            if layer.digest == digest:
                return number
        raise NotFound(Phrase("the artifact has no layer %(digest)s", digest=shown(digest)))

    def shown(self) -> list[Layer]:
        return [
            layer_of(each, found)
            for each, found in zip(self.subject.layers, self._found(), strict=True)
        ]


def layer_of(described: Descriptor, found: Summary | Reading) -> Layer:
    layer = Layer(
        digest=described.digest,
        size=described.size,
        media_type=described.media_type,
        ready=isinstance(found, Summary),
    )
    if isinstance(found, Reading):
        layer.done = found.done
    else:
        layer.files, layer.nbytes = found.nentries, found.nbytes
        if found.problem:
            layer.problem = told(Phrase.of(found.problem))
    return layer


async def explored(
    explorer: Explorer, *subjects: Subject, patience_s: float = PATIENCE_S
) -> list[Layers]:
    """What is known of each, after *patience_s* at most."""
    digests = [Digest(each.digest) for one in subjects for each in one.layers if each.digest]
    known = await explorer.indexes(digests, patience_s)
    return [Layers(subject, known) for subject in subjects]


def percent(layers: Sequence[Layer]) -> float:
    """How much of the layers has been read."""
    size = sum(layer.size for layer in layers)
    done = sum(layer.size if layer.ready else layer.done for layer in layers)
    return min(100.0, done / size * 100) if size else 100.0


async def files(explorer: Explorer, layers: Layers, query: FileQuery) -> FileList:
    """One page of files; none while layers are being read."""
    alone = layers.number(query.layer)
    if not layers.ready:
        return FileList(path=query.path, ready=False, layers=layers.shown(), total=0, files=[])
    view = await view_of(explorer, layers, alone)
    found, total = await view.page(query, explorer.work)
    return FileList(path=query.path, ready=True, layers=layers.shown(), total=total, files=found)


async def view_of(explorer: Explorer, layers: Layers, alone: int | None) -> View:
    """All layers merged, or the one with this number *alone*; ``BadRequest``."""
    known = layers.summaries()
    wanted = known if alone is None else [known[alone]]
    source = Source(manifest=layers.subject.digest)
    if alone is not None:
        source = Source(layer=known[alone].digest)

    async def make() -> Blocks:
        indexes = await explorer.entries(wanted)
        return await explorer.work(lambda: grown(indexes, is_alone=alone is not None))

    if layers.is_unread:
        return await View.open(Memory(await make()), alone)
    return await View.open(await explorer.shelf(source, make), alone)


def grown(indexes: Sequence[Index], *, is_alone: bool) -> Blocks:
    tree = trees.alone(indexes[0], 0) if is_alone else trees.merged(indexes)
    return planted(tree, list(packages(indexes, tree)))


def packages(indexes: Sequence[Index], tree: Tree) -> Iterator[tuple[PackageFile, int]]:
    """The files that list packages, with their layers: those that no upper layer took away or
    changed.
    """
    for number, index in enumerate(indexes):
        for file in packages_of(index):
            node = tree.find(file.path)
            if node is not None and node.layer == number:
                yield file, number
