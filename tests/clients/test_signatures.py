"""Cosign and Notation sign what is here, and the registry knows their signatures as such."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.clients.conftest import PRIVATE, Registry, SitAt
from tests.clients.drivers import Crane
from tests.clients.images import noise
from tests.clients.programs import Result
from tests.make import ADMIN, API, PASSWORD

OFFLINE = ("--tlog-upload=false", "--use-signing-config=false", "--yes")
UNLOGGED = ("--insecure-ignore-tlog=true",)
BY_TAG = ("--new-bundle-format=false",)
AS_REFERRER = ("--new-bundle-format=true",)


@pytest.fixture
def crane(sit_at: SitAt) -> Crane:
    """A developer, whose login cosign finds, with a pair of keys."""
    crane = sit_at(Crane, "dev")
    crane.home.more |= {"COSIGN_PASSWORD": "secret", "COSIGN_EXPERIMENTAL": "0"}
    cosign(crane, "generate-key-pair").ok()
    return crane


def cosign(crane: Crane, *words: str | Path) -> Result:
    return crane.home.run("cosign", *words)


def pushed(crane: Crane, name: str) -> str:
    """The address of a new image, by its digest."""
    told = crane.push(f"{PRIVATE}/{name}:1.0", noise()).ok()
    return f"{crane.at(f'{PRIVATE}/{name}')}@{told.named_digest}"


def shown(registry: Registry, name: str) -> dict[str, Any]:
    """The only artifact that the list of the repository shows."""
    path = f"{API}/projects/{PRIVATE}/repositories/{name}/artifacts"
    (found,) = registry.http.get(path, auth=ADMIN).json()
    return dict(found)


def kinds(registry: Registry, name: str) -> list[str]:
    return [each["type"] for each in shown(registry, name)["accessories"] or ()]


def page(registry: Registry, name: str) -> str:
    project = registry.http.get(f"{API}/projects/{PRIVATE}", auth=ADMIN).json()["project_id"]
    path = f"/harbor/projects/{project}/repositories/{name}/artifacts-tab"
    return str(registry.http.get(path, auth=ADMIN).text)


@pytest.mark.parametrize("scheme", [BY_TAG, AS_REFERRER], ids=["by tag", "as a referrer"])
def test_what_cosign_signs_is_shown_as_signed(
    crane: Crane, registry: Registry, name: str, scheme: tuple[str, ...]
) -> None:
    image = pushed(crane, name)
    assert "Signed" not in page(registry, name)
    cosign(crane, "verify", "--key", "cosign.pub", *UNLOGGED, *scheme, image).refused()
    cosign(crane, "sign", "--key", "cosign.key", *OFFLINE, *scheme, image).ok()
    cosign(crane, "verify", "--key", "cosign.pub", *UNLOGGED, *scheme, image).ok()
    assert kinds(registry, name) == ["signature.cosign"]
    assert "Signed" in page(registry, name)
    (signature,) = shown(registry, name)["accessories"]
    assert signature["subject_artifact_digest"] == image.partition("@")[2]


def test_what_cosign_attests_is_found_again(crane: Crane, registry: Registry, name: str) -> None:
    image, file = pushed(crane, name), crane.file("sbom.json", b'{"spdxVersion": "SPDX-2.3"}')
    about = ("--type", "https://example.com/sbom", "--key")
    cosign(
        crane, "attest", *about, "cosign.key", *OFFLINE, *AS_REFERRER, "--predicate", file, image
    ).ok()
    cosign(crane, "verify-attestation", *about, "cosign.pub", *UNLOGGED, *AS_REFERRER, image).ok()
    (made,) = shown(registry, name)["accessories"]
    assert made["type"] == "signature.cosign"


def test_an_sbom_that_cosign_attaches_stays_beside_its_image(
    crane: Crane, registry: Registry, name: str
) -> None:
    image, file = pushed(crane, name), crane.file("sbom.json", b'{"spdxVersion": "SPDX-2.3"}')
    crane.home.more["COSIGN_EXPERIMENTAL"] = "1"
    cosign(crane, "attach", "sbom", "--sbom", file, "--registry-referrers-mode=oci-1-1", image).ok()
    assert kinds(registry, name) == ["subject.accessory"]


@pytest.fixture
def certificate(crane: Crane) -> tuple[Path, Path]:
    """A key, and a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(x509.NameOID.STATE_OR_PROVINCE_NAME, "WA"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "A test"),
        ]
    )
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CODE_SIGNING]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    )
    certificate = made.public_bytes(serialization.Encoding.PEM)
    return crane.file("key", encoded), crane.file("certificate", certificate)


def test_what_notation_signs_is_shown_as_signed(
    crane: Crane, registry: Registry, name: str, certificate: tuple[Path, Path]
) -> None:
    key, trusted = certificate
    crane.home.more |= {
        "NOTATION_USERNAME": registry.people["dev"][0],
        "NOTATION_PASSWORD": PASSWORD,
    }
    image = pushed(crane, name)
    crane.home.run("notation", "verify", trusted, image).refused("no signature")
    crane.home.run("notation", "sign", key, trusted, image).ok()
    crane.home.run("notation", "verify", trusted, image).ok().says("1 signature verified")
    assert kinds(registry, name) == ["signature.notation"]
    assert "Signed" in page(registry, name)
    tags = crane("ls", crane.at(f"{PRIVATE}/{name}")).ok()
    assert json.dumps(tags.stdout.split()) == '["1.0"]'
