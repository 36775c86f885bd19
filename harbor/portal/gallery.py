"""Sample data for the page that shows every component."""

from datetime import date, timedelta

from msgspec import Struct, field
from starlette.requests import Request

from harbor.core import clock, ui
from harbor.core.charts import Slice
from harbor.core.ui import Batch, Column, Confirm, Filter, Grid, Listed
from harbor.core.wire import Time

COLUMNS = (
    Column("Name", sort="name"),
    Column("Access", key="access"),
    Column("Repositories", key="repositories", sort="repo_count", numeric=True),
    Column("Owner", key="owner", hidden=True),
    Column("Created", key="created", sort="creation_time"),
    Column("", narrow=True),
)
FILTERS = (
    Filter("name", "Name"),
    Filter("owner", "Owner"),
)
BATCH = (
    Batch("/harbor/gallery/dialog", "Edit", icon="pencil", exactly=1),
    Batch("/harbor/gallery/delete", "Delete", icon="trash", danger=True),
)
NAMES = (
    "library",
    "frontend",
    "backend",
    "machine-learning",
    "observability",
    "base-images",
    "mirror-of-docker-hub",
    "payments",
    "mobile",
    "data-platform",
    "infrastructure",
    "sandbox",
    "research",
    "legacy",
    "releases",
    "edge",
    "documentation",
)


class Query(Listed):
    """The address of the gallery."""

    access: str = ""


class Chosen(Struct):
    """The rows of a selection."""

    id: list[int] = field(default_factory=list)


class Row(Struct, frozen=True):
    id: int
    name: str
    public: bool
    owner: str
    repositories: int
    created: Time


class Stored(Struct, frozen=True):
    day: date
    nbytes: int


class Sample(Struct, frozen=True):
    """What the gallery shows."""

    grid: Grid
    rows: list[Row]
    severities: list[Slice]
    workers: list[Slice]
    storage: list[Slice]
    growth: list[float]
    days: list[Stored]
    now: Time
    digest: str


class Fields(Struct, frozen=True):
    """The dialog with every kind of field."""

    now: Time | None = None


FIELDS = Fields()


def sample(request: Request, query: Query) -> Sample:
    asked = ui.remembered(request, "gallery", query)
    now = clock.now()
    rows = [
        Row(
            n,
            name,
            n % 3 == 1,
            ("admin", "maria", "chen")[n % 3],
            n * 7 % 23,
            Time(now - timedelta(days=n * n)),
        )
        for n, name in enumerate(NAMES, start=1)
    ]
    key = asked.sort.removeprefix("-")
    kept = [
        row
        for row in rows
        if asked.text in (row.owner if asked.by == "owner" else row.name)
        and query.access in ("", "public" if row.public else "private")
    ]
    by = {"name": lambda r: r.name, "repo_count": lambda r: r.repositories}
    kept.sort(
        key=by.get(key, lambda r: -r.id), reverse=asked.sort.startswith("-") or not asked.sort
    )
    page = kept[asked.offset : asked.offset + asked.page_size]
    grid = ui.grid(request, "gallery", asked, len(kept), COLUMNS, filters=FILTERS, batch=BATCH)
    return Sample(
        grid=grid,
        rows=page,
        severities=[
            Slice("Critical", 3, "critical"),
            Slice("High", 12, "high"),
            Slice("Medium", 41, "medium"),
            Slice("Low", 87, "low"),
            Slice("Unknown", 5, "unknown"),
        ],
        workers=[Slice("Busy", 7, "1"), Slice("Free", 3, "rest")],
        storage=[
            Slice("machine-learning", 412, "1"),
            Slice("base-images", 208, "2"),
            Slice("releases", 131, "3"),
            Slice("frontend", 44, "4"),
        ],
        growth=[3, 4, 4, 6, 9, 9, 11, 14, 13, 17, 22, 24],
        days=[
            Stored((now - timedelta(days=29 - day)).date(), day * day * 40_000_000)
            for day in range(30)
        ],
        now=Time(now - timedelta(minutes=3)),
        digest="sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1",
    )


def question(ids: list[int]) -> Confirm:
    names = [NAMES[n - 1] for n in ids if 1 <= n <= len(NAMES)]
    return Confirm(
        title="Delete projects",
        action="/harbor/gallery/delete",
        submit="Delete",
        text="Their images and the rights of their members are deleted too. This cannot be undone.",
        names=names,
        fields=[("id", str(n)) for n in ids],
        type_name=names[0] if len(names) == 1 else "",
    )
