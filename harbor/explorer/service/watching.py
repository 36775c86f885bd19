"""What is done: look for packages in files while they come by, each as its kind needs it."""

from tempfile import NamedTemporaryFile
from typing import Protocol

from harbor.core.i18n import Phrase
from harbor.explorer.schemas import Package
from harbor.explorer.service import packages, rpm
from harbor.explorer.service.programs import SMALLEST, Program

EXECUTABLE = 0o111
FOLDERS = (packages.PARTS, packages.DPKG, packages.APK, *rpm.FOLDERS)


class Watch(Protocol):
    def add(self, piece: bytes) -> None: ...

    def packages(self) -> list[Package]:
        """What was found, once all of the file has come; ``BrokenDatabase``."""

    def close(self) -> None: ...


class Listing:
    """A file of text that lists packages; it is kept in memory."""

    def __init__(self, parse: packages.Parser) -> None:
        self._parse = parse
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def packages(self) -> list[Package]:
        return self._parse(b"".join(self._pieces))

    def close(self) -> None:
        self._pieces = []


class Database:
    """A database of RPM; it is kept on the disk, for there one can go back and forth."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = NamedTemporaryFile(prefix="harbor-rpm-")  # noqa: SIM115  see close
        self._problem: OSError | None = None

    def add(self, piece: bytes) -> None:
        if self._problem is None:
            try:
                self._file.write(piece)
            except OSError as error:
                self._problem = error

    def packages(self) -> list[Package]:
        if self._problem is None:
            try:
                self._file.flush()
            except OSError as error:
                self._problem = error
        if self._problem:
            why = Phrase("there is no room to look into the list of packages")
            raise rpm.BrokenDatabase(why) from self._problem
        return rpm.packages(self._path, self._file.file, self._file.name)

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:  # what could not be written before, cannot be written now
            self._problem = error


def watch_of(path: str, size: int, mode: int) -> Watch | None:
    """Who shall look at a file, if anything of interest may be in it."""
    if path.startswith(FOLDERS) or path.endswith(packages.NAMES):  # others are many
        if size <= packages.MOST and (parse := packages.parser_of(path)):
            return Listing(parse)
        if size <= rpm.MOST and rpm.reader_of(path):
            return Database(path)
    if size >= SMALLEST and mode & EXECUTABLE:
        return Program()
    return None
