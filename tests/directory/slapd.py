"""A real LDAP server of the tests' own, on a free port, with its own folder."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BASE = "dc=example,dc=com"
SEARCHER = f"cn=admin,{BASE}"
PASSWORD = "Secret-of-the-Searcher1"
START_S = 20
CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
TLSCertificateFile {folder}/server.crt
TLSCertificateKeyFile {folder}/server.key
database mdb
suffix "{base}"
rootdn "{searcher}"
rootpw {password}
directory {folder}/data
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""
PERSON = """
dn: uid={uid},ou=people,{base}
objectClass: inetOrgPerson
uid: {uid}
cn: {cn}
sn: {uid}
userPassword: {uid}-Passw0rd
mail: {uid}@example.com
"""
GROUP = """
dn: {name},ou=groups,{base}
objectClass: groupOfNames
cn: {cn}
"""


class Slapd:
    """Where the server is, and what can be asked of it."""

    def __init__(self, port: int, tls_port: int, folder: Path) -> None:
        self.url, self.tls_url = f"ldap://127.0.0.1:{port}", f"ldaps://127.0.0.1:{tls_port}"
        self.certificate = folder / "server.crt"

    @property
    def settings(self) -> dict[str, object]:
        """What the registry must be told to use it."""
        return {
            "auth_mode": "ldap_auth",
            "ldap_url": self.url,
            "ldap_search_dn": SEARCHER,
            "ldap_search_password": PASSWORD,
            "ldap_base_dn": BASE,
            "ldap_uid": "uid",
            "ldap_filter": "objectClass=inetOrgPerson",
            "ldap_group_search_filter": "(objectClass=groupOfNames)",
            "ldap_group_attribute_name": "cn",
            "ldap_group_admin_dn": f"CN=Leaders, OU=groups, {BASE.upper()}",
        }


def entries() -> str:
    """Some people, among them names that mean something in a filter, and their groups."""
    people = {"ann": "Ann Lee", "bob": "Bob", "leo": "Leo", "star*(x)": "A Star"}
    named = {
        "cn=builders": ("builders", ("ann", "bob")),
        "cn=leaders": ("leaders", ("leo",)),
        "cn=a\\, b": ("a, b", ("ann",)),
    }
    text = f"dn: {BASE}\nobjectClass: domain\ndc: example\n"
    for unit in ("people", "groups"):
        text += f"\ndn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n"
    for uid, cn in people.items():
        text += PERSON.format(uid=uid, cn=cn, base=BASE)
        for name, (_, members) in named.items():
            if uid in members:
                text += f"memberOf: {name},ou=groups,{BASE}\n"
    for name, (cn, members) in named.items():
        text += GROUP.format(name=name, cn=cn, base=BASE)
        text += "".join(f"member: uid={uid},ou=people,{BASE}\n" for uid in members)
    return text


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    raw = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (folder / "server.key").write_bytes(raw)


@contextmanager
def running_slapd(folder: Path) -> Iterator[Slapd]:
    """The server; the test is left out where it cannot be installed."""
    install = Path(__file__).parents[1] / "install"
    if not Path("/usr/sbin/slapd").exists():
        done = subprocess.run([install, "slapd"], check=False, capture_output=True)
        if done.returncode:
            pytest.skip("needs slapd: apt-get install slapd")
    (folder / "data").mkdir(parents=True)
    make_certificate(folder)
    config = folder / "slapd.conf"
    config.write_text(CONFIG.format(folder=folder, base=BASE, searcher=SEARCHER, password=PASSWORD))
    ldif = folder / "entries.ldif"
    ldif.write_text(entries())
    subprocess.run(["/usr/sbin/slapadd", "-f", config, "-l", ldif], check=True, capture_output=True)
    port, tls_port = free_port(), free_port()
    where = f"ldap://127.0.0.1:{port}/ ldaps://0.0.0.0:{tls_port}/"
    server = subprocess.Popen(
        ["/usr/sbin/slapd", "-f", config, "-h", where, "-d", "0"],
        env={**os.environ, "LC_ALL": "C"},
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + START_S
        while server.poll() is None and time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", tls_port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        assert server.poll() is None, "slapd does not start"
        yield Slapd(port, tls_port, folder)
    finally:
        server.terminate()
        server.wait()
