"""What is done: write commands to be copied; what is in capitals is for the reader to fill in."""

from msgspec import Struct

from harbor.core import origin
from harbor.core.api import Ctx


class Push(Struct, frozen=True):
    """How to push to a project with one program."""

    title: str
    login: str
    commands: tuple[str, ...]


def host_of(ctx: Ctx) -> str:
    """The registry as this client's image names begin."""
    return origin.of(ctx.request, ctx.settings.external_url).partition("://")[2]


def pushes(host: str, project: str, repository: str = "REPOSITORY") -> tuple[Push, ...]:
    """How to push to a repository of the project; its name there, without the project."""
    image = f"{host}/{project}/{repository}:TAG"
    # Helm adds the name of the chart by itself.
    above = "/".join([host, project, *repository.split("/")[:-1]])
    return (
        Push(
            "Docker",
            f"docker login {host}",
            (f"docker tag IMAGE:TAG {image}", f"docker push {image}"),
        ),
        Push("Podman", f"podman login {host}", (f"podman push IMAGE:TAG {image}",)),
        Push(
            "Helm",
            f"helm registry login {host}",
            ("helm package CHART", f"helm push CHART.tgz oci://{above}"),
        ),
        Push("ORAS", f"oras login {host}", (f"oras push {image} FILE",)),
    )
