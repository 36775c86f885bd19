"""The registry that the browser visits: a real process, with people of every role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httpx2
from starlette.testclient import TestClient

from tests.crash.conftest import servers
from tests.make import ADMIN, API, Login, add_member, make_project, make_user, push_image
from tests.permissions.world import ROLES

PRIVATE, PUBLIC = "team", "open"


@dataclass(frozen=True)
class Site:
    """Where it is, who is known there, and how to prepare more of it through the REST API."""

    url: str
    api: TestClient
    people: dict[str, Login]
    ids: dict[str, int] = field(default_factory=dict)  # of the projects, by name

    def path(self, project: str, tab: str) -> str:
        """The address of a page of a project."""
        return f"/harbor/projects/{self.ids[project]}/{tab}"


@contextmanager
def open_site(folder: Path) -> Iterator[Site]:
    """A running registry with a private and a public project, an image in each.

    In both projects everybody has the role of their name, except ``stranger``, who has none.
    """
    with servers(folder) as make:
        server = make(failed_login_delay_s=0.0)
        server.start()
        url = f"http://127.0.0.1:{server.port}"
        with httpx2.Client(base_url=url, timeout=60) as http:
            # What the functions of tests.make use of a test client, any client has.
            yield furnish(Site(url, cast(TestClient, http), {"admin": ADMIN}))
        assert server.stop() == 0
        assert "Traceback" not in server.output(), server.output()


def furnish(site: Site) -> Site:
    for role in ("stranger", *ROLES):
        site.people[role] = make_user(site.api, role.lower())
    for project in (PRIVATE, PUBLIC):
        site.ids[project] = make_project(site.api, project, public=project == PUBLIC)
        for role, role_id in ROLES.items():
            add_member(site.api, project, site.people[role], role_id)
        push_image(site.api, f"{project}/app")
    color = {"name": "stable", "color": "#48960C", "scope": "g"}
    made = site.api.post(f"{API}/labels", json=color, auth=ADMIN)
    assert made.status_code == 201, made.text
    return site
