"""Every client against the registry over TLS, by a certificate that it has to be told about."""

import datetime
import http.client
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.clients.conftest import serving
from tests.clients.drivers import CLIENTS
from tests.clients.images import noise
from tests.clients.programs import Home, Site
from tests.crash.server import Server
from tests.make import ADMIN


def write_certificate(certificate: Path, key: Path) -> None:
    """A certificate for 127.0.0.1 that nobody signed but itself."""
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a registry under test")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, own.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(own, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        own.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


class SecureServer(Server):
    """Tells by TLS whether it is ready."""

    def is_ready(self) -> bool:
        anything = ssl.create_default_context()
        anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=5, context=anything
        )
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status == 401
        except OSError:
            return False
        finally:
            connection.close()


@pytest.fixture(scope="module")
def certificate(folder: Path) -> Path:
    write_certificate(folder / "registry.crt", folder / "registry.key")
    return folder / "registry.crt"


@pytest.fixture(scope="module")
def secure(folder: Path, certificate: Path) -> Iterator[Site]:
    """A registry that speaks TLS only; the Docker engine and the store are the common ones."""
    told = {
        "HARBOR_TLS_CERT": str(certificate),
        "HARBOR_TLS_KEY": str(certificate.with_suffix(".key")),
    }
    with serving(folder / "secure", SecureServer, **told) as server:
        yield Site(f"127.0.0.1:{server.port}", folder, tls=True)


@pytest.mark.parametrize("program", sorted(CLIENTS))
def test_a_client_that_knows_the_certificate_pushes_and_pulls(
    request: pytest.FixtureRequest,
    secure: Site,
    certificate: Path,
    tmp_path: Path,
    name: str,
    program: str,
) -> None:
    if program == "docker":  # its engine trusts the loopback address without a certificate
        request.getfixturevalue("docker_engine")
    home = Home(secure, tmp_path / "home", {"SSL_CERT_FILE": str(certificate)})
    client = CLIENTS[program](home)
    client.login(ADMIN).ok()
    reference, content = f"library/{name}:1.0.0", noise(1_000_000)
    pushed = client.push(reference, content).ok()
    assert client.pull(reference).ok().named_digest == pushed.named_digest
    assert client.content(reference) == content


@pytest.mark.parametrize("program", sorted(set(CLIENTS) - {"docker"}))
def test_a_client_that_does_not_know_it_refuses(
    secure: Site, tmp_path: Path, name: str, program: str
) -> None:
    client = CLIENTS[program](Home(secure, tmp_path / "home"))
    client.push(f"library/{name}:1.0.0", noise()).refused("certificate signed by unknown authority")
