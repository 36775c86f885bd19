"""A real domain controller of Active Directory: Samba's, with its own folder."""

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ldap3 import Connection, Server, Tls

ADDRESS = "127.0.0.77"  # the ports cannot be chosen, but the address can
BASE = "DC=ad,DC=example,DC=com"
PASSWORD = "Secret-of-the-Domain1"
SEARCHER = "Administrator@ad.example.com"
PACKAGES = ("samba", "samba-ad-provision", "samba-dsdb-modules", "samba-vfs-modules")
START_S = 60
SETTINGS = """[global]
    interfaces = {address}/8
    bind interfaces only = yes
    server services = ldap
    ldap server require strong auth = no
    pid directory = {folder}
    ncalrpc dir = {folder}/ncalrpc
"""
PROVISION = (
    "samba-tool",
    "domain",
    "provision",
    "--realm=AD.EXAMPLE.COM",
    "--domain=AD",
    "--server-role=dc",
    "--dns-backend=NONE",
    "--host-name=dc1",
    f"--host-ip={ADDRESS}",
    f"--adminpass={PASSWORD}",
)
SERVE = ("/usr/sbin/samba", "-F", "--no-process-group", "-M", "single", "--debug-stdout")
NORMAL, DISABLED = 512, 514  # kinds of accounts


@contextmanager
def running_samba(folder: Path) -> Iterator[Connection]:
    """The domain controller, as an administrator who may write to it.

    Tests are left out where it cannot be installed, or where one is nobody to whom it listens.
    """
    install = Path(__file__).parents[1] / "install"
    done = subprocess.run([install, *PACKAGES], check=False, capture_output=True)
    if done.returncode or os.geteuid():
        pytest.skip(f"as root: apt-get install {' '.join(PACKAGES)}")
    provision(folder)
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(
            [*SERVE, "-s", folder / "etc" / "smb.conf"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(server)
        trusting = Tls(validate=ssl.CERT_NONE)
        where = Server(ADDRESS, port=636, use_ssl=True, tls=trusting, get_info="NO_INFO")
        administrator = Connection(where, SEARCHER, PASSWORD, auto_bind=True)
        try:
            yield administrator
        finally:
            administrator.unbind()
    finally:
        server.terminate()
        server.wait()


def provision(folder: Path) -> None:
    done = subprocess.run(
        [*PROVISION, f"--targetdir={folder}"],
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    config = folder / "etc" / "smb.conf"
    lines = config.read_text().splitlines()
    kept = [line for line in lines if "server services" not in line and line != "[global]"]
    config.write_text(SETTINGS.format(address=ADDRESS, folder=folder) + "\n".join(kept) + "\n")


def wait_for(server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection((ADDRESS, 636), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("samba does not start")


def add_person(administrator: Connection, name: str, *, kind: int = NORMAL) -> str:
    """Somebody with the password ``NAME-Passw0rd``; return the DN."""
    dn = f"CN={name.title()} Lee,CN=Users,{BASE}"
    about = {
        "sAMAccountName": name,
        "mail": f"{name}@example.com",
        "unicodePwd": f'"{name}-Passw0rd"'.encode("utf-16-le"),
        "userAccountControl": kind,
    }
    assert administrator.add(dn, ["user"], about), administrator.result
    return dn


def add_group(administrator: Connection, name: str, *members: str) -> str:
    """A group of those DNs; return its own."""
    dn = f"CN={name},CN=Users,{BASE}"
    about = {"sAMAccountName": name, "member": list(members)}
    assert administrator.add(dn, ["group"], about), administrator.result
    return dn
