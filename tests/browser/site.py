"""The registry that the browser visits: a real process, with people of every role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
def open_site(data: Path, known: Site | None = None) -> Iterator[Site]:
    """A running registry on a *data* folder, which is a copy of that of the *known* one, or new.

    There is a private and a public project with an image in each. In both everybody has the role
    of their name, except ``stranger``, who has none.
    """
    with servers(data.parent) as make:
        server = make(data, failed_login_delay_s=0.0, database_url="")
        server.start()
        url = f"http://127.0.0.1:{server.port}"
        with httpx2.Client(base_url=url, timeout=60) as http:
            # What the functions of tests.make use of a test client, any client has.
            api = cast(TestClient, http)
            yield replace(known, url=url, api=api) if known else furnish(url, api)
        assert server.stop() == 0
        assert "Traceback" not in server.output(), server.output()


def furnish(url: str, api: TestClient) -> Site:
    site = Site(url, api, {"admin": ADMIN})
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
