"""Lists that come in pages, which clients put together."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients.conftest import PRIVATE, Registry, SitAt
from tests.clients.drivers import Crane, Oras, Podman, Skopeo
from tests.make import push_image, put_manifest

NAME = f"{PRIVATE}/tagged"
TAGS = [f"t{number:04}" for number in range(1050)]  # crane asks for 1000 at a time


@pytest.fixture(scope="module", autouse=True)
def tagged(registry: Registry) -> None:
    """A repository with these tags, all of one image."""
    image = push_image(registry.http, NAME, TAGS[0]).raw

    def tag(name: str) -> int:
        return int(put_manifest(registry.http, NAME, name, image).status_code)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(tag, TAGS)) == {201}


def test_skopeo_lists_all_tags(sit_at: SitAt) -> None:
    skopeo = sit_at(Skopeo, "gus")
    listed = skopeo("list-tags", skopeo.there(NAME)).ok()
    assert json.loads(listed.stdout)["Tags"] == TAGS


def test_crane_lists_all_tags(sit_at: SitAt) -> None:
    crane = sit_at(Crane, "gus")
    assert crane("ls", crane.at(NAME)).ok().stdout.split() == TAGS


def test_oras_lists_all_tags_or_those_after_one(sit_at: SitAt) -> None:
    oras = sit_at(Oras, "gus")
    listed = oras("repo", "tags", *oras.plain, oras.at(NAME)).ok()
    assert listed.stdout.split() == TAGS
    rest = oras("repo", "tags", *oras.plain, "--last", "t1000", oras.at(NAME)).ok()
    assert rest.stdout.split() == TAGS[1001:]


def test_podman_lists_as_many_tags_as_asked(sit_at: SitAt) -> None:
    podman = sit_at(Podman, "gus")
    for limit in (10, 2000):
        words = (
            "search",
            "--list-tags",
            "--limit",
            str(limit),
            "--format",
            "json",
            podman.at(NAME),
        )
        assert json.loads(podman(*words).ok().stdout)[0]["Tags"] == TAGS[:limit]
