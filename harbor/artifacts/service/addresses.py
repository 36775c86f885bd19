"""What is done: say where the pages of repositories and artifacts are."""

from functools import lru_cache
from urllib.parse import quote


def of_project(project_id: int) -> str:
    """Where the repositories of a project are listed."""
    return f"/harbor/projects/{project_id}/repositories"


def of_repository(project_id: int, name: str) -> str:
    """The page of the repository *name*, with its project; its other pages are below that."""
    return f"{above(project_id, name)}/artifacts-tab"


def of_info(project_id: int, name: str) -> str:
    """What the repository says of itself."""
    return f"{above(project_id, name)}/info-tab"


def of_artifact(project_id: int, name: str, digest: str) -> str:
    return f"{of_repository(project_id, name)}/artifacts/{digest}"


def of_children(project_id: int, name: str, digest: str) -> str:
    """Where the images that an index lists are."""
    return f"{of_repository(project_id, name)}/depth/{digest}"


@lru_cache(maxsize=1024)  # a line of a list names its repository several times
def above(project_id: int, name: str) -> str:
    # The name is one segment of the path, whatever it holds.
    return f"{of_project(project_id)}/{quote(name.partition('/')[2], safe='')}"
