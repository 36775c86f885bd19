"""What is done: list the packages that are installed in an artifact."""

from collections import Counter

from harbor.core.archives import Courtesy
from harbor.core.i18n import Phrase, told
from harbor.explorer.schemas import (
    Ecosystem,
    Installed,
    PackageList,
    PackageQuery,
    Unread,
)
from harbor.explorer.service import listing
from harbor.explorer.service.layers import Explorer
from harbor.explorer.service.listing import Layers
from harbor.explorer.service.views import packages_in


async def packages(explorer: Explorer, layers: Layers, query: PackageQuery) -> PackageList:
    """One page of packages, by name; none while layers are being read."""
    found = PackageList(
        ready=layers.ready,
        layers=layers.shown(),
        ecosystems=[],
        unread=[],
        total=0,
        packages=[],
    )
    if found.ready:
        view = await listing.view_of(explorer, layers, None)
        raw = await view.packages()
        await explorer.work(lambda: fill(found, raw, query))
    return found


def fill(found: PackageList, raw: bytes, query: PackageQuery) -> None:
    counts: Counter[str] = Counter()
    text = query.q.strip().lower()
    listed: list[Installed] = []
    rest = Courtesy()
    for file, layer in packages_in(raw):
        if file.problem:
            found.unread.append(Unread(path=file.path, problem=told(Phrase.of(file.problem))))
        for each in file.packages:
            rest()
            counts[each.kind] += 1
            if query.ecosystem in ("", each.kind) and text in each.name.lower():
                row = Installed(
                    ecosystem=each.kind,
                    name=each.name,
                    version=each.version,
                    path=file.path,
                    layer=layer,
                )
                listed.append(row)
    listed.sort(key=lambda row: (row.name.lower(), row.ecosystem, row.version, row.path))
    found.ecosystems = [Ecosystem(name=name, packages=n) for name, n in counts.most_common()]
    found.total = len(listed)
    found.packages = listed[query.offset : query.offset + query.page_size]
