"""What signing in at a provider is made of: claims, state, addresses. No server is needed."""

from typing import Any

import pytest
from msgspec.structs import replace

from harbor.auth.oidc import claims, client, entry
from harbor.auth.oidc.desk import takes_secret
from harbor.auth.oidc.flow import Flow, mark_of
from harbor.auth.oidc.providers import Metadata
from harbor.configuration.schemas import Values
from harbor.configuration.service.rules import checked
from harbor.core.errors import BadRequest
from tests.auth.browsers import Wait

VALUES = Values(oidc_endpoint="https://id.example.org", oidc_client_id="harbor")
TOKEN = {"iss": "https://id.example.org", "sub": "7"}


def person(values: Values = VALUES, token: Any = None, info: Any = None) -> claims.Person:
    return claims.person_of(values, TOKEN | (token or {}), info or {})


def test_the_name_is_the_claim_that_is_wanted() -> None:
    wanted = replace(VALUES, oidc_user_claim="login")
    assert person(info={"name": "Ann Lee"}, token={"name": "B"}).username == "Ann_Lee"
    assert person(token={"name": "Bob"}).username == "Bob"
    assert person(wanted, {"login": "ann", "name": "x"}, {"login": "other"}).username == "ann"
    assert person(wanted, {"name": "x"}).username == ""
    assert person(wanted, {"login": ["ann"]}).username == ""
    assert person(wanted, {"login": "a\0b"}).username == ""


def test_an_address_that_the_provider_does_not_vouch_for_is_none() -> None:
    assert person(token={"email": "a@b.org"}).email == "a@b.org"
    assert person(token={"email": "a@b.org", "email_verified": False}).email == ""
    assert person(token={"email": {"a": 1}}).email == ""


def test_groups_are_those_that_the_filter_lets_through() -> None:
    values = replace(VALUES, oidc_groups_claim="groups", oidc_admin_group="root")
    found = person(values, {"groups": ["dev", "root", "dev", 7, "", "x" * 300]})
    assert (found.groups, found.admin_group) == (["dev", "root"], "root")
    assert person(values, {"groups": ["\ud800", "a\0b", "\u958b\u767c"]}).groups == ["\u958b\u767c"]
    only = replace(values, oidc_group_filter="^dev")
    found = person(only, {"groups": ["dev", "root"]})
    assert (found.groups, found.admin_group) == (["dev"], "root")
    assert person(values, {"groups": "dev"}).groups == ["dev"]
    assert person(values, {"groups": ["a"]}, {"groups": ["b"]}).groups == ["b"]
    assert person(values).groups is None
    assert person(values, {"groups": []}).admin_group == ""
    assert person(replace(values, oidc_admin_group=""), {"groups": [""]}).admin_group == ""


def test_no_filter_takes_long() -> None:
    """Python's own expressions would look at each of these names for longer than a life."""
    values = replace(VALUES, oidc_groups_claim="groups", oidc_group_filter="^(a+)+$")
    assert person(values, {"groups": ["a" * 99 + "b", "aa"]}).groups == ["aa"]


def test_a_state_is_good_for_the_browser_that_has_it(wait: Wait) -> None:
    flow = Flow(b"k" * 32)
    state = flow.state("held", VALUES, "/harbor/users")
    assert flow.path_after(state, "held", VALUES) == "/harbor/users"
    assert flow.mark(state) == mark_of("held") != mark_of("other")
    assert flow.mark(state[:-2] + "AA") == ""
    other = replace(VALUES, oidc_endpoint="https://other.example.org")
    assert flow.path_after(state, "other", VALUES) is None
    assert flow.path_after(state, "", VALUES) is None
    assert flow.path_after(state, "held", other) is None
    assert flow.path_after(state[:-2] + "AA", "held", VALUES) is None
    assert Flow(b"x" * 32).path_after(state, "held", VALUES) is None
    wait(11)
    assert flow.path_after(state, "held", VALUES) is None


def test_a_provider_that_names_itself_must_do_so() -> None:
    """Source: RFC 9207, against answers of another provider."""
    ours = Metadata(
        "https://id.example.org", "", authorization_response_iss_parameter_supported=True
    )
    entry.refuse_mix_up(ours, "https://id.example.org")
    for told in ("", "https://evil.example", "https://id.example.org/"):
        with pytest.raises(BadRequest):
            entry.refuse_mix_up(ours, told)
    entry.refuse_mix_up(Metadata("https://id.example.org", ""), "")


def test_nonce_and_verifier_tell_nothing_of_each_other() -> None:
    flow = Flow(b"k" * 32)
    assert len({flow.nonce("a"), flow.verifier("a"), flow.nonce("b"), "a"}) == 4
    assert 43 <= len(flow.verifier("a")) <= 128  # RFC 7636


def test_scopes_and_further_parameters() -> None:
    values = replace(
        VALUES,
        oidc_scope="profile, offline_access",
        oidc_extra_redirect_parms='{"hd": "example.org", "state": "x", "redirect_uri": "y"}',
    )
    assert client.scope_of(values) == "openid profile offline_access"
    assert client.extra_of(values) == {"hd": "example.org"}
    google = replace(values, oidc_endpoint="https://accounts.google.com")
    assert client.scope_of(google) == "openid profile"
    assert client.extra_of(google) == {
        "access_type": "offline",
        "prompt": "consent",
        "hd": "example.org",
    }


def test_the_secret_of_clients_opens_what_clients_need() -> None:
    repository = "/api/v2.0/projects/p/repositories/r"
    for method, path in (
        ("GET", "/service/token"),
        ("PUT", "/v2/p/r/manifests/1"),
        ("POST", "/api/v2.0/projects"),
        ("GET", "/api/v2.0/systeminfo"),
        ("GET", f"{repository}/artifacts"),
        ("DELETE", f"{repository}/artifacts/1/tags/1"),
    ):
        assert takes_secret(method, path), path
    for method, path in (
        ("GET", "/api/v2.0/users"),
        ("PUT", "/api/v2.0/users/3/sysadmin"),
        ("GET", "/api/v2.0/users/current"),
        ("DELETE", f"{repository}/artifacts/1"),
        ("DELETE", "/api/v2.0/projects/p"),
        ("GET", "/v2x"),
    ):
        assert not takes_secret(method, path), path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("oidc_endpoint", "ftp://id.example.org"),
        ("oidc_endpoint", "https://user:secret@id.example.org"),
        ("oidc_endpoint", "id.example.org"),
        ("oidc_group_filter", "("),
        ("oidc_group_filter", "(?=dev)"),  # RE2 has none, nor has Harbor
        ("oidc_group_filter", "\ud800"),
        ("oidc_extra_redirect_parms", "[]"),
    ],
)
def test_settings_that_cannot_work_are_refused(name: str, value: str) -> None:
    with pytest.raises(BadRequest, match=name):
        checked(name, value)
