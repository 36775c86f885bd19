"""Lists with ``base=*`` over REST: children of indexes are shown among the others."""

import pytest
from starlette.testclient import TestClient

from tests.artifacts.rest import artifact, digests, get
from tests.make import ADMIN, push_image, push_index


@pytest.mark.parametrize("sort", ["", "push_time", "-digest", "size,-digest", "-pull_time"])
def test_children_are_sorted_among_the_others(shared: TestClient, repo: str, sort: str) -> None:
    pushed = [push_image(shared, repo, f"{at}", annotations={"n": "x" * at}) for at in range(6)]
    index = push_index(shared, repo, "multi", *pushed)
    for at in (1, 2, 5):
        untagged = shared.delete(f"/v2/{repo}/manifests/{at}", auth=ADMIN)
        assert untagged.status_code == 202
    latest = [index.digest, *(each.digest for each in reversed(pushed))]
    by_digest = sorted(latest, reverse=True)
    by_size = sorted(by_digest, key=lambda digest: get(shared, artifact(repo, digest))["size"])
    expected = {"push_time": latest[::-1], "-digest": by_digest, "size,-digest": by_size}
    found = digests(shared, repo, q="base=*", sort=sort)
    assert found == expected.get(sort, latest)
    pages = [digests(shared, repo, q="base=*", sort=sort, page=n, page_size=2) for n in range(1, 6)]
    assert pages == [found[:2], found[2:4], found[4:6], found[6:], []]
