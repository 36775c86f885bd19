"""Attacks on repositories that a rule about a group hides, or lets somebody into."""

from starlette.testclient import TestClient

from tests.auth import keys
from tests.directory.test_groups import PLACE, make_group
from tests.make import ADMIN, API, bearer, make_repository_rule, make_user, sha256, token_for
from tests.permissions.test_hidden_repositories import (
    DEVELOPER,
    GUEST,
    OPEN,
    PULL,
    REST,
    SECRET,
    Shop,
    manifest,
    rules,
)


def test_a_rule_about_a_group_hides_as_much_as_one_about_a_person(client: TestClient) -> None:
    shop, secret = Shop(client), PULL.format("secret/a/b")
    old = bearer(client, shop.dev, secret)
    group_id = make_group(client, "outsiders", "dev")
    make_repository_rule(client, "team", "secret/**", 0, group="outsiders")
    for who in (
        {"auth": shop.dev},
        {"headers": bearer(client, shop.dev, secret, PULL.format("app/web"))},
    ):
        assert manifest(client, OPEN, **who) == 200
        assert manifest(client, SECRET, **who) == 401
    assert keys.read(token_for(client, shop.dev, secret))[1]["access"][0]["actions"] == []
    assert manifest(client, SECRET, headers=old) == 200  # it names it, and is from before
    assert shop.names(REST) == shop.names(f"{API}/repositories") == [OPEN]
    found = shop.get(f"{API}/search", params={"q": "team"}).json()
    assert [each["repository_name"] for each in found["repository"]] == [OPEN]
    assert shop.get(f"{API}/statistics").json()["private_repo_count"] == 1
    assert SECRET not in shop.get("/v2/_catalog").text
    start, digest = f"/v2/{OPEN}/blobs/uploads/", sha256(shop.secret.blobs[0])
    for source in ({"from": SECRET}, {}):
        mounted = client.post(start, params={"mount": digest} | source, auth=shop.dev)
        assert mounted.status_code == 202  # an upload
        assert client.head(f"/v2/{OPEN}/blobs/{digest}", auth=shop.dev).status_code == 404
    # A rule about the person stands above it; whoever leaves the group is not concerned.
    own = make_repository_rule(client, "team", "secret/**", GUEST, user=shop.dev)
    assert manifest(client, SECRET, auth=shop.dev) == 200
    gone = client.delete(f"{API}/projects/{shop.id}/repositoryrules/{own}", auth=ADMIN)
    assert gone.status_code == 200
    assert manifest(client, SECRET, auth=shop.dev) == 401
    user_id = client.get(f"{API}/users/current", auth=shop.dev).json()["user_id"]
    left = client.delete(f"{PLACE}/{group_id}/members/{user_id}", auth=ADMIN)
    assert left.status_code == 200
    assert manifest(client, SECRET, auth=shop.dev) == 200


def test_what_a_rule_about_a_group_gives_is_lost_with_the_group(client: TestClient) -> None:
    shop = Shop(client)
    shop.dev = make_user(client, "contractor")
    group_id = make_group(client, "contractors", "contractor")
    make_repository_rule(client, "team", "app/**", DEVELOPER, group="contractors")
    upload = f"/v2/{OPEN}/blobs/uploads/"
    user_id = shop.get(f"{API}/users/current").json()["user_id"]
    there = f"{PLACE}/{group_id}/members"
    for _ in range(2):
        assert shop.names(REST) == [OPEN]
        assert shop.names(f"{API}/projects", params={"name": "team"}) == ["team"]
        assert client.post(upload, auth=shop.dev).status_code == 202
        assert client.delete(f"{there}/{user_id}", auth=ADMIN).status_code == 200
        assert client.post(upload, auth=shop.dev).status_code == 401
        assert shop.names(f"{API}/projects", params={"name": "team"}) == []
        again = client.post(there, json={"username": "contractor"}, auth=ADMIN)
        assert again.status_code == 200
    assert client.delete(f"{PLACE}/{group_id}", auth=ADMIN).status_code == 200
    assert client.post(upload, auth=shop.dev).status_code == 401
    assert rules(shop) == []
