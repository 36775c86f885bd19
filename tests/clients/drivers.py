"""What every client can do: log in, push a file, pull it back. One class for each program."""

import tarfile
from abc import ABC, abstractmethod
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from tests.clients import images
from tests.clients.programs import Home, Result
from tests.make import Login


class Client(ABC):
    """A program and its user's home.

    A *reference* is ``project/name:tag``.
    """

    program = ""

    def __init__(self, home: Home) -> None:
        self.home = home

    def __call__(self, *words: str | Path, digest_file: Path | None = None) -> Result:
        return self.home.run(self.program, *words, digest_file=digest_file)

    def login(self, login: Login) -> Result:
        return self("login", "-u", login[0], "-p", login[1], self.home.site.host)

    @abstractmethod
    def push(self, reference: str, content: bytes) -> Result:
        """Push an image (a chart, an artifact) of one file that holds *content*."""

    @abstractmethod
    def pull(self, reference: str) -> Result:
        """Fetch it anew; nothing of it is left on this side."""

    @abstractmethod
    def content(self, reference: str) -> bytes:
        """The bytes of the file in what was pulled."""

    def at(self, reference: str) -> str:
        return f"{self.home.site.host}/{reference}"

    @property
    def plain(self) -> tuple[str, ...]:
        return () if self.home.site.tls else ("--plain-http",)

    def new(self, name: str) -> Path:
        """A path in the home where nothing is yet."""
        used = len(list(self.home.folder.glob(f"{name}-*")))
        return self.home.folder / f"{name}-{used}"

    def file(self, name: str, data: bytes) -> Path:
        path = self.new(name)
        path.write_bytes(data)
        return path


class Docker(Client):
    program = "docker"

    def make(self, reference: str, content: bytes) -> None:
        """An image in the engine that is not pushed yet."""
        archive = self.file("image.tar", images.tar_of({"content": content}))
        self("import", archive, self.at(reference)).ok()

    def push(self, reference: str, content: bytes) -> Result:
        self.make(reference, content)
        return self.push_again(reference)

    def push_again(self, reference: str) -> Result:
        return self("push", self.at(reference))

    def pull(self, reference: str) -> Result:
        self("image", "rm", "--force", self.at(reference))
        return self("pull", self.at(reference))

    def content(self, reference: str) -> bytes:
        container = self("create", self.at(reference), "/nothing").ok().stdout.strip()
        folder = self.new("copied")
        self("cp", f"{container}:/content", folder).ok()
        self("rm", container).ok()
        return folder.read_bytes()


class Podman(Client):
    program = "podman"

    def make(self, reference: str, content: bytes) -> None:
        """An image in the store that is not pushed yet."""
        archive = self.file("image.tar", images.tar_of({"content": content}))
        self("import", archive, self.at(reference)).ok()

    def push(self, reference: str, content: bytes) -> Result:
        self.make(reference, content)
        return self.push_again(reference)

    def push_again(self, reference: str, *options: str) -> Result:
        written = self.new("digest")
        return self(
            "push", *options, "--digestfile", written, self.at(reference), digest_file=written
        )

    def pull(self, reference: str, *options: str) -> Result:
        self("rmi", "--force", self.at(reference))
        pulled = self("pull", *options, self.at(reference))
        here = self("image", "inspect", "--format", "{{.Digest}}", self.at(reference))
        return replace(pulled, digest=here.stdout)

    def mount(self, reference: str) -> Path:
        return Path(self("image", "mount", self.at(reference)).ok().stdout.strip())

    def content(self, reference: str) -> bytes:
        return (self.mount(reference) / "content").read_bytes()


class Buildah(Client):
    program = "buildah"

    def make(self, reference: str, content: bytes, *options: str) -> None:
        """An image in the store that is not pushed yet."""
        container = self("from", *options, "scratch").ok().stdout.strip()
        self("copy", container, self.file("content", content), "/content").ok()
        self("commit", "--rm", container, self.at(reference)).ok()

    def push(self, reference: str, content: bytes) -> Result:
        self.make(reference, content)
        return self.push_again(reference)

    def push_again(self, reference: str) -> Result:
        written = self.new("digest")
        return self("push", "--digestfile", written, self.at(reference), digest_file=written)

    def pull(self, reference: str) -> Result:
        self("rmi", "--force", self.at(reference))
        pulled = self("pull", self.at(reference))
        here = self(
            "inspect", "--type", "image", "--format", "{{.FromImageDigest}}", self.at(reference)
        )
        return replace(pulled, digest=here.stdout)

    def content(self, reference: str) -> bytes:
        container = self("from", "--pull-never", self.at(reference)).ok().stdout.strip()
        mounted = self("mount", container).ok().stdout.strip()
        content = (Path(mounted) / "content").read_bytes()
        self("rm", container).ok()
        return content


class Skopeo(Client):
    program = "skopeo"
    pulled: Path

    def there(self, reference: str) -> str:
        return f"docker://{self.at(reference)}"

    def push(self, reference: str, content: bytes) -> Result:
        layout, written = self.new("layout"), self.new("digest")
        images.simple(layout, content)
        return self(
            "copy", "--digestfile", written, f"oci:{layout}:1.0", self.there(reference),
            digest_file=written,
        )  # fmt: skip

    def pull(self, reference: str) -> Result:
        self.pulled, written = self.new("pulled"), self.new("digest")
        return self(
            "copy", "--digestfile", written, self.there(reference), f"oci:{self.pulled}:1.0",
            digest_file=written,
        )  # fmt: skip

    def content(self, reference: str) -> bytes:
        return images.content_of(self.pulled)


class Crane(Client):
    program = "crane"
    pulled: Path

    def login(self, login: Login) -> Result:
        """It writes down what it is given, and asks nobody."""
        return self("auth", "login", "-u", login[0], "-p", login[1], self.home.site.host)

    def push(self, reference: str, content: bytes) -> Result:
        layout = self.new("layout")
        images.simple(layout, content)
        return self("push", layout, self.at(reference))

    def pull(self, reference: str) -> Result:
        self.pulled = self.new("pulled")
        pulled = self("pull", "--format", "oci", self.at(reference), self.pulled)
        index = self.pulled / "index.json"
        return replace(pulled, digest=index.read_text() if index.exists() else "")

    def content(self, reference: str) -> bytes:
        return images.content_of(self.pulled)


class Oras(Client):
    program = "oras"
    pulled: Path

    def login(self, login: Login) -> Result:
        return self("login", *self.plain, "-u", login[0], "-p", login[1], self.home.site.host)

    def push(self, reference: str, content: bytes) -> Result:
        folder = self.new("artifact")
        folder.mkdir()
        (folder / "content").write_bytes(content)
        return self.home.run(
            "oras", "push", *self.plain, "--artifact-type", "application/vnd.example.thing",
            self.at(reference), "content:application/octet-stream", cwd=folder,
        )  # fmt: skip

    def pull(self, reference: str) -> Result:
        self.pulled = self.new("pulled")
        return self("pull", *self.plain, "--output", self.pulled, self.at(reference))

    def content(self, reference: str) -> bytes:
        return (self.pulled / "content").read_bytes()


class Helm(Client):
    program = "helm"
    pulled: Path

    def login(self, login: Login) -> Result:
        return self(
            "registry", "login", *self.plain, "-u", login[0], "-p", login[1], self.home.site.host
        )

    def package(self, name: str, version: str, content: bytes) -> Path:
        """A chart, packed."""
        folder = self.new("chart") / name
        (folder / "files").mkdir(parents=True)
        (folder / "Chart.yaml").write_text(
            f"apiVersion: v2\nname: {name}\nversion: {version}\ndescription: a chart of a test\n"
        )
        (folder / "files" / "content").write_bytes(content)
        self("package", folder, "--destination", folder.parent).ok()
        return folder.parent / f"{name}-{version}.tgz"

    def push(self, reference: str, content: bytes) -> Result:
        repository, _, version = reference.partition(":")
        project, _, name = repository.rpartition("/")
        chart = self.package(name, version, content)
        return self("push", *self.plain, chart, f"oci://{self.at(project)}")

    def pull(self, reference: str) -> Result:
        name, _, version = reference.partition(":")
        self.pulled = self.new("pulled")
        self.pulled.mkdir()
        return self(
            "pull", *self.plain, f"oci://{self.at(name)}", "--version", version,
            "--destination", self.pulled,
        )  # fmt: skip

    def content(self, reference: str) -> bytes:
        (chart,) = self.pulled.iterdir()
        name = reference.partition(":")[0].rpartition("/")[2]
        with tarfile.open(fileobj=BytesIO(chart.read_bytes())) as archive:
            inside = archive.extractfile(f"{name}/files/content")
            assert inside is not None
            return inside.read()


CLIENTS: dict[str, type[Client]] = {
    kind.program: kind for kind in (Docker, Podman, Buildah, Skopeo, Crane, Oras, Helm)
}
