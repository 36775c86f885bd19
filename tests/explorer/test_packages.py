"""The packages in an image: databases of RPM, programs of Go, and lists of all of them."""

import gzip
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from harbor.explorer.schemas import Package
from harbor.explorer.service import programs, rpm
from harbor.explorer.service.programs import MARK, Program
from harbor.explorer.service.rpm import BrokenDatabase
from tests.explorer.layers import image, push
from tests.make import ADMIN, error_of
from tests.tars import tar

DATABASES = Path(__file__).parent / "databases"  # rpm 4.18 made one, db_load 5.3 the other
TIDES, MOON = Package("rpm", "tide-tables", "2:1.4-3"), Package("rpm", "moon-phases", "0.9-3")
MODULES = (
    b"path\texample.org/tides\nmod\texample.org/tides\tv1.2.0\th1:x=\n"
    b"dep\texample.org/moon\tv0.9.0\th1:y=\ndep\texample.org/old\tv1.0.0\n"
    b"=>\texample.org/new\tv1.1.0\th1:z=\nbuild\t-compiler=gc\n"
)
FOUND = [
    Package("go", "stdlib", "1.26.1"),
    Package("go", "example.org/tides", "v1.2.0"),
    Package("go", "example.org/moon", "v0.9.0"),
    Package("go", "example.org/new", "v1.1.0"),
]


def length(number: int) -> bytes:
    made = b""
    while number >= 0x80:
        made += bytes([number & 0x7F | 0x80])
        number >>= 7
    return made + bytes([number])


def info(version: bytes = b"go1.26.1", modules: bytes = MODULES, form: int = 2) -> bytes:
    sealed = b"0" * 16 + modules + b"\n" + b"1" * 16 if modules else b""
    head = (MARK + bytes([8, form])).ljust(32, b"\0")
    return head + length(len(version)) + version + length(len(sealed)) + sealed


def program(*parts: bytes) -> bytes:
    """Parts of a program, each at a multiple of 16."""
    made = b"\x7fELF"
    for part in parts:
        made = made.ljust(-(-len(made) // 16) * 16, b"\0") + part
    return made.ljust(programs.SMALLEST, b"\0")


def looked(raw: bytes, size: int) -> list[Package]:
    watch = Program()
    for at in range(0, len(raw), size):
        watch.add(raw[at : at + size])
    return watch.packages()


@pytest.mark.parametrize("size", [1000, 4096, 100_000])
@pytest.mark.parametrize(
    "raw",
    [
        program(b"x" * 5_003, info()),
        program(MARK, info(form=0), b"1234567" + info(b"go1.1"), info(b"nonsense"), info()),
        program(b"x" * 994, info(), info(b"go1.2")),
    ],
)
def test_modules_of_a_program_are_found(raw: bytes, size: int) -> None:
    assert looked(raw, size) == FOUND


@pytest.mark.parametrize(
    "raw",
    [
        program(),
        info(),  # no program begins so
        program(info())[:200],  # it ends early
        program(info(b"x" * 300)),
        program((MARK + b"\x08\x02").ljust(32, b"\0") + b"\xff" * 20),
    ],
)
def test_other_programs_have_none(raw: bytes) -> None:
    assert looked(raw, 64) == []


def test_a_program_full_of_marks_is_left_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MOST_LOOKS", 3)
    assert looked(program(*[info(form=0)] * 3, info()), 512) == []
    assert looked(program(*[info(form=0)] * 2, info()), 512) == FOUND


def database(name: str) -> bytes:
    return gzip.decompress((DATABASES / f"{name}.gz").read_bytes())


def listed_in(path: str, raw: bytes, folder: Path) -> list[Package]:
    place = folder / "database"
    place.write_bytes(raw)
    with place.open("rb") as file:
        return rpm.packages(path, file, str(place))


def ndb(*headers: bytes) -> bytes:
    """As RPM's own form keeps them."""
    head = rpm.NDB_HEAD.pack(b"RpmP", 0, 1, 1).ljust(2 * rpm.SLOT.size, b"\0")
    slots, blobs, block = b"", b"", rpm.NDB_PAGE // rpm.NDB_BLOCK
    for number, header in enumerate(headers, start=1):
        blob = rpm.BLOB.pack(b"BlbS", number, 1, len(header)) + header
        count = -(-len(blob) // rpm.NDB_BLOCK) + 1
        slots += rpm.SLOT.pack(b"Slot", number, block, count)
        blobs += blob.ljust(count * rpm.NDB_BLOCK, b"\0")
        block += count
    return (head + slots).ljust(rpm.NDB_PAGE, b"\0") + blobs


def headers(folder: Path) -> list[bytes]:
    place = folder / "headers"
    place.write_bytes(database("rpmdb.sqlite"))
    with sqlite3.connect(f"file:{place}?immutable=1", uri=True) as known:
        return [row[0] for row in known.execute("SELECT blob FROM Packages")]


def test_databases_of_each_form_are_read(tmp_path: Path) -> None:
    for path, raw, found in (
        ("/var/lib/rpm/rpmdb.sqlite", database("rpmdb.sqlite"), [TIDES, MOON]),
        ("/usr/lib/sysimage/rpm/Packages.db", ndb(*headers(tmp_path)), [TIDES, MOON]),
        (
            "/var/lib/rpm/Packages",
            database("Packages"),
            [MOON, TIDES, TIDES],
        ),  # one is on more pages
    ):
        assert listed_in(path, raw, tmp_path) == found


def test_databases_that_are_none_are_told(tmp_path: Path) -> None:
    view = tmp_path / "view"
    with sqlite3.connect(view) as made:
        made.execute("CREATE TABLE other (blob)")
        made.execute("CREATE VIEW Packages AS SELECT blob FROM other")
    for name, raw in (
        ("rpmdb.sqlite", b"no database"),
        ("rpmdb.sqlite", view.read_bytes()),
        ("rpmdb.sqlite", database("rpmdb.sqlite")[:5_000]),
        ("Packages.db", b"short"),
        ("Packages.db", b"RpmP" + b"\1" * 5_000),
        ("Packages.db", rpm.NDB_HEAD.pack(b"RpmP", 0, 1, 2**31)),
        ("Packages", b"\0" * 100),
        ("Packages", database("Packages")[:9_000]),
    ):
        with pytest.raises(BrokenDatabase):
            listed_in(f"/var/lib/rpm/{name}", raw, tmp_path)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\xff" * 8,
        b"\0\0\0\1\0\0\0\0",
        rpm.PAIR.pack(1, 4) + rpm.FIELD.pack(1000, 6, 9, 1) + b"none",
    ],
)
def test_headers_that_say_nothing_are_passed_over(header: bytes) -> None:
    assert rpm.described(header) == []


def test_only_databases_where_rpm_keeps_them_are_read() -> None:
    assert rpm.reader_of("/srv/Packages") is None
    assert rpm.reader_of("/var/lib/rpm/Name") is None


@pytest.fixture
def mixed(shared: TestClient, repo: str) -> str:
    """An image with packages of several kinds."""
    tool = ("usr/bin/tides", program(info()), 0o755)
    layer = tar(
        ("var/lib/rpm/rpmdb.sqlite", database("rpmdb.sqlite")),
        ("usr/share/rpm/Packages.db", b"broken"),
        ("lib/node_modules/tide/package.json", b'{"name":"tide","version":"1.0.0"}'),
        ("lib/node_modules/gone/package.json", b'{"name":"gone","version":"1.0.0"}'),
    )
    return image(shared, repo, "1", {}, layer, tar(tool, ("lib/node_modules/.wh.gone", b"")))


def listed(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(f"{path}/packages", params=query, auth=ADMIN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["ready"]
    return answer.json()


def test_packages_are_listed_by_name(shared: TestClient, mixed: str) -> None:
    found = listed(shared, mixed)
    assert [each["name"] for each in found["packages"]] == [
        "example.org/moon", "example.org/new", "example.org/tides", "moon-phases", "stdlib",
        "tide", "tide-tables",
    ]  # fmt: skip
    assert found["packages"][-1] == {
        "ecosystem": "rpm", "name": "tide-tables", "version": "2:1.4-3",
        "path": "/var/lib/rpm/rpmdb.sqlite", "layer": 0,
    }  # fmt: skip
    assert found["ecosystems"] == [
        {"name": "go", "packages": 4}, {"name": "rpm", "packages": 2}, {"name": "npm", "packages": 1},
    ]  # fmt: skip
    assert found["unread"] == [
        {"path": "/usr/share/rpm/Packages.db", "problem": "the list of packages ends early"}
    ]


def test_packages_are_searched_and_come_in_pages(shared: TestClient, mixed: str) -> None:
    found = listed(shared, mixed, q="TIDE", page_size=2, page=2)
    assert (found["total"], [each["name"] for each in found["packages"]]) == (3, ["tide-tables"])
    found = listed(shared, mixed, ecosystem="npm")
    assert (found["total"], len(found["ecosystems"])) == (1, 3)
    assert listed(shared, mixed, ecosystem="none")["packages"] == []


def test_an_image_without_packages(shared: TestClient, repo: str) -> None:
    found = listed(shared, push(shared, repo, tar(("a", b"1"))))
    assert (found["packages"], found["ecosystems"], found["unread"]) == ([], [], [])


def test_an_artifact_that_is_not_there(shared: TestClient, mixed: str) -> None:
    answer = shared.get(f"{mixed[:-1]}none/packages", auth=ADMIN)
    assert error_of(answer) == (404, "NOT_FOUND")
