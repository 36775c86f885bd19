"""A real client program, started as a user starts it, in a home of its own."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / ".tools"
DIGEST = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")
GONE = ("HARBOR_", "DOCKER_", "CONTAINERS_", "REGISTRY_", "HELM_", "XDG_", "STORAGE_", "BUILDAH_")


@dataclass(frozen=True, slots=True)
class Result:
    """What a program said, and how it ended."""

    command: str
    code: int
    stdout: str
    stderr: str
    digest: str = ""

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def named_digest(self) -> str:
        """The digest that the program gave, in a file or as the last one that it printed."""
        found = DIGEST.findall(self.digest or self.output)
        assert found, f"no digest in: {self}"
        return str(found[-1])

    def __str__(self) -> str:
        return f"{self.command}\n(exit code {self.code})\n{self.output}"

    def ok(self) -> "Result":
        assert self.code == 0, str(self)
        return self

    def says(self, *texts: str) -> "Result":
        """Assert that it said one of *texts*."""
        said = self.output.lower()
        assert any(text.lower() in said for text in texts), f"none of {texts} in: {self}"
        return self

    def refused(self, *texts: str) -> "Result":
        """Assert that it failed, told so by its exit code, and said one of *texts*."""
        assert self.code != 0, str(self)
        return self.says(*texts) if texts else self


@dataclass(frozen=True, slots=True)
class Site:
    """Where the programs find what they share: the registry, a Docker engine, an image store."""

    host: str
    folder: Path
    tls: bool = False

    @property
    def docker(self) -> str:
        return f"unix://{self.folder / 'docker.sock'}"

    @property
    def store(self) -> Path:
        return self.folder / "store"


@dataclass
class Home:
    """A user's home: the credentials kept here are seen by no other home."""

    site: Site
    folder: Path
    more: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shared = self.folder / ".config" / "containers"
        shared.mkdir(parents=True, exist_ok=True)
        (shared / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        insecure = "false" if self.site.tls else "true"
        (shared / "registries.conf").write_text(
            f'[[registry]]\nlocation = "{self.site.host}"\ninsecure = {insecure}\n'
        )
        (shared / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{self.site.store / "graph"}"\n'
            f'runroot = "{self.site.store / "run"}"\n'
        )
        (shared / "containers.conf").write_text(
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
        )
        (self.folder / "auth.json").write_text("{}")

    @property
    def environ(self) -> dict[str, str]:
        clean = {name: text for name, text in os.environ.items() if not name.startswith(GONE)}
        shared = self.folder / ".config" / "containers"
        return clean | {
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "PATH": f"{TOOLS / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
            "DOCKER_HOST": self.site.docker,
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "DOCKER_BUILDKIT": "0",  # the builder that needs no plugin
            "REGISTRY_AUTH_FILE": str(self.folder / "auth.json"),  # podman insists that it is there
            "CONTAINERS_STORAGE_CONF": str(shared / "storage.conf"),
            "CONTAINERS_CONF": str(shared / "containers.conf"),
            **self.more,
        }

    def run(
        self,
        *words: str | Path,
        stdin: bytes = b"",
        cwd: Path | None = None,
        digest_file: Path | None = None,
    ) -> Result:
        """Run a program to its end; the digest is what it wrote to *digest_file*."""
        program = shutil.which(words[0], path=self.environ["PATH"])
        assert program, f"{words[0]} is missing: run tests/clients/install"
        done = subprocess.run(
            [program, *words[1:]],
            env=self.environ,
            input=stdin,
            cwd=cwd or self.folder,
            capture_output=True,
            timeout=600,
            check=False,
        )
        return Result(
            command=" ".join(map(str, words)),
            code=done.returncode,
            stdout=done.stdout.decode(errors="replace"),
            stderr=done.stderr.decode(errors="replace"),
            digest=digest_file.read_text() if digest_file and digest_file.exists() else "",
        )
