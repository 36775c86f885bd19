"""What a registry token opens, and what tokens that are not ours do not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import update
from starlette.testclient import TestClient

from harbor.core import clock
from harbor.core.settings import Settings
from harbor.projects.models import Project
from tests.auth import keys
from tests.auth.keys import b64, claims_of, grant
from tests.make import (
    ADMIN,
    API,
    add_member,
    bearer,
    error_of,
    make_project,
    make_user,
    push_blob,
    push_image,
)
from tests.registry.servers import Change, project_of

pytestmark = pytest.mark.once

OURS = "harbor-registry"
Key = rsa.RSAPrivateKey


@pytest.fixture(scope="module")
def key(shared_settings: Settings, shared: TestClient) -> Key:
    return keys.signing_key(shared_settings.database)


def status(client: TestClient, repo: str, token: str, action: str = "pull") -> int:
    """How a request with *token* is answered; pulling finds nothing, if it is let in."""
    method, path = {
        "pull": ("GET", "manifests/none"),
        "push": ("POST", "blobs/uploads/"),
        "delete": ("DELETE", "manifests/none"),
    }[action]
    headers = {"Authorization": f"Bearer {token}"}
    return client.request(method, f"/v2/{repo}/{path}", headers=headers).status_code


def test_a_token_signed_with_our_key_is_ours(shared: TestClient, repo: str, key: Key) -> None:
    token = keys.sign(key, claims_of(grant(repo, "pull", "push")))
    assert status(shared, repo, token) == 404
    assert status(shared, repo, token, "push") == 202
    assert status(shared, repo, token, "delete") == 401


@pytest.mark.parametrize("seconds", [-30, 0, 30])
def test_a_minute_of_skew_is_forgiven(
    shared: TestClient, repo: str, key: Key, seconds: int
) -> None:
    now = int(clock.now().timestamp())
    moments = {"iat": now + seconds, "nbf": now + seconds, "exp": now + seconds}
    assert status(shared, repo, keys.sign(key, claims_of(grant(repo, "pull"), **moments))) == 404


NOW = int(clock.now().timestamp())
BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "it has ended": {"exp": NOW - 100, "iat": NOW - 1900, "nbf": NOW - 1900},
    "it has not begun": {"nbf": NOW + 4000, "exp": NOW + 8000},
    "it was issued in the future": {"iat": NOW + 4000, "exp": NOW + 8000},
    "it is for somebody else": {"aud": "harbor-core"},
    "it is for several": {"aud": [OURS]},
    "it has no audience": {"aud": None},
    "it is by somebody else": {"iss": "another-issuer"},
    "it has no issuer": {"iss": None},
    "it has no moment of issue": {"iat": None},
    "it never ends": {"exp": None},
    "it never begins": {"nbf": None},
    "its end is no number": {"exp": "tomorrow"},
    "its rights are no list": {"access": {"type": "repository"}},
}


@pytest.mark.parametrize("why", BAD_CLAIMS)
def test_a_token_is_refused_because(shared: TestClient, repo: str, key: Key, why: str) -> None:
    claims = claims_of(grant(repo, "pull"), **{k: v for k, v in BAD_CLAIMS[why].items() if v})
    for name, value in BAD_CLAIMS[why].items():
        if value is None:
            del claims[name]
    assert status(shared, repo, keys.sign(key, claims)) == 401


def unsigned(key: Key, claims: dict[str, Any]) -> str:
    token = keys.sign(key, claims, {"alg": "none", "typ": "JWT", "kid": keys.libtrust_id(key)})
    return token.rpartition(".")[0] + "."


def signed_with_the_public_key(key: Key, claims: dict[str, Any]) -> str:
    """The classic confusion: our public key, which everybody may know, as an HMAC secret."""
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = {"alg": "HS256", "typ": "JWT", "kid": keys.libtrust_id(key)}
    signed = keys.sign(key, claims, head).rpartition(".")[0]
    mac = hmac.HMAC(pem, hashes.SHA256())
    mac.update(signed.encode())
    return f"{signed}.{b64(mac.finalize())}"


def embedding_its_own_key(key: Key, claims: dict[str, Any]) -> str:
    own = keys.new_key()
    numbers = own.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "n": b64(numbers.n.to_bytes(256, "big")),
        "e": b64(numbers.e.to_bytes(3, "big")),
    }
    return keys.sign(own, claims, {"alg": "RS256", "kid": keys.libtrust_id(key), "jwk": jwk})


def with_header(**changed: Any) -> Callable[[Key, dict[str, Any]], str]:
    def forge(key: Key, claims: dict[str, Any]) -> str:
        head = {"alg": "RS256", "typ": "JWT", "kid": keys.libtrust_id(key)} | changed
        return keys.sign(key, claims, {k: v for k, v in head.items() if v is not None})

    return forge


FORGERIES: dict[str, Callable[[Key, dict[str, Any]], str]] = {
    "not signed": unsigned,
    "signed with the public key": signed_with_the_public_key,
    "signed with another key": lambda _key, claims: keys.sign(keys.new_key(), claims),
    "signed with another key under our key's name": lambda key, claims: keys.sign(
        keys.new_key(), claims, {"alg": "RS256", "kid": keys.libtrust_id(key)}
    ),
    "bringing its own key": embedding_its_own_key,
    "of another algorithm": lambda key, claims: keys.sign(
        key, claims, {"alg": "RS512", "kid": keys.libtrust_id(key)}, hashes.SHA512()
    ),
    "naming no key": with_header(kid=None),
    "naming another key": with_header(kid="AAAA:BBBB"),
    "naming a list as key": with_header(kid=["AAAA"]),
    "naming an object as key": with_header(kid={"a": 1}),
    "naming a number as key": with_header(kid=1),
    "naming no algorithm": with_header(alg=None),
    "naming an object as algorithm": with_header(alg={"a": 1}),
    "with an unknown critical header": with_header(crit=["exp"]),
    "with one letter changed": lambda key, claims: swapped(keys.sign(key, claims)),
    "with other claims": lambda key, claims: ".".join(
        [*keys.sign(key, claims).split(".")[:1], b64(b'{"sub":"admin"}'), "AAAA"]
    ),
    "cut off": lambda key, claims: keys.sign(key, claims)[:-20],
    "with something behind": lambda key, claims: keys.sign(key, claims) + ".AAAA",
    "too long": with_header(x="a" * 40_000),
    "with a list as header": lambda _key, _claims: f"{b64(b'[]')}.{b64(b'{}')}.AAAA",
    "with a number as claims": lambda key, _claims: keys.sign(key, 1),  # type: ignore[arg-type]
    "nothing": lambda _key, _claims: "",
    "dots": lambda _key, _claims: "..",
    "no base64": lambda _key, _claims: "é.!.?",
    "deeply nested": lambda _key, _claims: f"{b64(b'[' * 5000)}.{b64(b'[' * 5000)}.AAAA",
}


def swapped(token: str) -> str:
    return token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_token_is_nobodys(shared: TestClient, repo: str, key: Key, kind: str) -> None:
    token = FORGERIES[kind](key, claims_of(grant(repo, "pull", "push", "delete")))
    headers = {b"Authorization": f"Bearer {token}".encode()}
    refused = shared.get(f"/v2/{repo}/manifests/none", headers=headers)
    assert error_of(refused) == (401, "UNAUTHORIZED")


def test_a_remembered_token_ends_in_time(
    shared: TestClient, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearer(shared, ADMIN, f"repository:{repo}:pull")
    path = f"/v2/{repo}/manifests/none"
    assert shared.get(path, headers=headers).status_code == 404
    now = clock.now()

    def later(minutes: float) -> Callable[[], datetime]:
        return lambda: now + timedelta(minutes=minutes)

    monkeypatch.setattr(clock, "now", later(29))
    assert shared.get(path, headers=headers).status_code == 404
    monkeypatch.setattr(clock, "now", later(31.5))
    assert shared.get(path, headers=headers).status_code == 401


def test_the_scheme_may_be_written_in_any_case(shared: TestClient, repo: str) -> None:
    token = bearer(shared, ADMIN, f"repository:{repo}:pull")["Authorization"].split()[1]
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme}   {token} "}
        assert shared.get(f"/v2/{repo}/manifests/none", headers=headers).status_code == 404


def test_rights_hold_in_the_whole_project_and_nowhere_else(
    shared: TestClient, repo: str, key: Key
) -> None:
    make_project(shared, f"x{project_of(repo)}")
    token = keys.sign(key, claims_of(grant(repo, "pull")))
    assert status(shared, f"{project_of(repo)}/another", token) == 404
    assert status(shared, f"x{repo}", token) == 401
    assert status(shared, "library/app", token) == 401


def test_of_several_entries_for_a_project_the_last_one_counts(
    shared: TestClient, repo: str, key: Key
) -> None:
    project = project_of(repo)
    much, little = grant(f"{project}/a", "pull", "push"), grant(f"{project}/b", "pull")
    assert status(shared, repo, keys.sign(key, claims_of(much, little)), "push") == 401
    assert status(shared, repo, keys.sign(key, claims_of(little, much)), "push") == 202


def test_entries_of_another_type_grant_nothing(shared: TestClient, repo: str, key: Key) -> None:
    wrong = grant(repo, "pull") | {"type": "registry"}
    assert status(shared, repo, keys.sign(key, claims_of(wrong))) == 401


def test_an_administrators_token_opens_only_what_it_lists(shared: TestClient, repo: str) -> None:
    headers = bearer(shared, ADMIN, "repository:library/app:pull", "registry:catalog:*")
    assert shared.get(f"/v2/{repo}/tags/list", headers=headers).status_code == 401
    assert shared.get("/v2/_catalog", headers=headers).status_code == 401
    assert shared.get("/v2/", headers=headers).status_code == 200


def test_a_token_without_a_name_is_no_sign_of_having_signed_in(
    shared: TestClient, repo: str
) -> None:
    headers = bearer(shared, None, f"repository:{repo}:pull")
    assert shared.get("/v2/", headers=headers).status_code == 401


def test_registry_tokens_open_nothing_but_the_registry(shared: TestClient) -> None:
    headers = bearer(shared, ADMIN)
    assert shared.get(f"{API}/users/current", headers=headers).status_code == 401
    assert (
        shared.post(f"{API}/projects", json={"project_name": "x"}, headers=headers).status_code
        == 401
    )


def test_a_token_keeps_its_rights_until_it_ends(shared: TestClient, repo: str) -> None:
    ann = make_user(shared, f"ann-{project_of(repo)}")
    member = add_member(shared, project_of(repo), ann, 3)
    headers = bearer(shared, ann, f"repository:{repo}:pull")
    assert shared.delete(member, auth=ADMIN).status_code == 200
    assert shared.get(f"/v2/{repo}/tags/list", headers=headers).status_code == 404
    assert shared.get(f"/v2/{repo}/tags/list", auth=ann).status_code == 401


def renew(project: str, change: Change, *, after_s: int) -> None:
    """Let the project be one that was made anew, so many seconds from now."""
    made = clock.now() + timedelta(seconds=after_s)
    change(update(Project).where(Project.name == project).values(creation_time=made))


def test_a_token_from_before_the_project_was_made_anew_is_refused(
    shared: TestClient, repo: str, shared_change: Change
) -> None:
    push_image(shared, repo)
    headers = bearer(shared, ADMIN, f"repository:{repo}:pull")
    path = f"/v2/{repo}/manifests/1.0"
    assert shared.get(path, headers=headers).status_code == 200
    renew(project_of(repo), shared_change, after_s=50)
    assert shared.get(path, headers=headers).status_code == 200
    renew(project_of(repo), shared_change, after_s=100)
    assert shared.get(path, headers=headers).status_code == 401


def test_nor_may_such_a_token_mount_from_the_new_project(
    shared: TestClient, repo: str, shared_change: Change
) -> None:
    source = f"s{repo}"
    make_project(shared, project_of(source))
    digest = push_blob(shared, source, b"layer")
    headers = bearer(shared, ADMIN, f"repository:{repo}:push", f"repository:{source}:pull")
    renew(project_of(source), shared_change, after_s=100)
    answer = shared.post(
        f"/v2/{repo}/blobs/uploads/", params={"mount": digest, "from": source}, headers=headers
    )
    assert answer.status_code == 202
    assert shared.head(f"/v2/{repo}/blobs/{digest}", auth=ADMIN).status_code == 404
