"""Forgotten passwords: who gets a link, by a real SMTP server, and what it is good for."""

import asyncio
import queue
import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as Handler
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace
from starlette.testclient import TestClient

from harbor.auth import forgotten, second_factor, tickets
from harbor.auth.forgotten import Forgotten
from harbor.configuration.schemas import Values
from harbor.core import crypto, mail
from harbor.core.mail import MailError, Server
from harbor.users.service import Login
from tests.auth.browsers import Wait, browser, sign_in, signed_in, who
from tests.conftest import Start
from tests.make import ADMIN, API, PASSWORD, make_user
from tests.projects.pages import HTMX, told, words, wrong_at
from tests.users.people import id_of

OWN = HTMX | {"Sec-Fetch-Site": "same-origin"}
HERE = "http://registry.example.test"
LINK = re.compile(rf"{HERE}/account/new-password\?ticket=(\S+)")
FRESH = "Another-Passw0rd"
WAIT_S = 20


class Mailbox(Handler):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.got: queue.Queue[Message] = queue.Queue()

    def handle_message(self, message: Message) -> None:
        self.got.put(message)

    def next(self) -> Message:
        return self.got.get(timeout=WAIT_S)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    kept, port = Mailbox(), free_port()
    server = Controller(kept, hostname="127.0.0.1", port=port)
    server.start()
    yield kept, port
    server.stop()


@pytest.fixture
def client(start: Start, mailbox: tuple[Mailbox, int]) -> TestClient:
    client = start(external_url=HERE)
    told = {
        "email_host": "127.0.0.1",
        "email_port": mailbox[1],
        "email_from": "Harbor <registry@example.test>",
    }
    assert client.put(f"{API}/configurations", json=told, auth=ADMIN).status_code == 200
    return client


def ask(client: TestClient, name: str, **headers: str) -> Any:
    """What the page says to who has forgotten the password of that name."""
    return browser(client).post(
        "/account/forgotten", data={"principal": name}, headers=OWN | headers
    )


def choose(client: TestClient, ticket: str, password: str = FRESH) -> Any:
    form = {"ticket": ticket, "new_password": password, "confirm": password}
    return browser(client).post("/account/new-password", data=form, headers=OWN)


def ticket_in(message: Message) -> str:
    text = cast("bytes", message.get_payload(decode=True)).decode()
    found = LINK.search(text)
    assert found, text
    return found[1]


def test_a_link_sets_another_password_once(
    client: TestClient, mailbox: tuple[Mailbox, int]
) -> None:
    login = make_user(client, "ann")
    there = signed_in(client, login)
    assert "Forgot your password?" in words(browser(client).get("/account/sign-in"))
    ask(client, "ann", host="evil.example.test")
    message = mailbox[0].next()
    assert message["To"] == message["X-RcptTo"] == "ann@example.com"
    ticket = ticket_in(message)  # of our own address, whatever the request said
    page = browser(client).get("/account/new-password", params={"ticket": ticket})
    assert "For the account ann" in words(page)
    weak = choose(client, ticket, "weak")
    assert (weak.status_code, wrong_at(weak)) == (400, "new_password")
    assert who(there) == "ann"
    assert told(choose(client, ticket))["said"]
    assert who(there) == ""
    assert sign_in(browser(client), login).status_code == 401
    assert sign_in(browser(client), ("ann", FRESH)).status_code == 200
    assert choose(client, ticket, "Third-Passw0rd").status_code == 403
    late = browser(client).get("/account/new-password", params={"ticket": ticket})
    assert late.status_code == 403
    assert "This link no longer works" in words(late)


def test_the_answer_tells_nothing_and_nobody_is_flooded(
    client: TestClient, mailbox: tuple[Mailbox, int]
) -> None:
    make_user(client, "ann")
    answers = [ask(client, name) for name in ("nobody", "ann@example.com", "ann", "ann")]
    assert len({(each.status_code, each.text) for each in answers}) == 1
    mailbox[0].next()
    make_user(client, "bob")
    ask(client, "bob")
    assert mailbox[0].next()["To"] == "bob@example.com"
    assert mailbox[0].got.empty()


def test_programs_and_foreign_pages_cannot_ask(client: TestClient) -> None:
    foreign = OWN | {"Sec-Fetch-Site": "cross-site"}
    for headers in ({}, foreign):
        for path in ("forgotten", "new-password"):
            answer = client.post(f"/account/{path}", data={"principal": "ann"}, headers=headers)
            assert answer.status_code == 403


def test_a_link_ends_with_its_time_and_with_the_address(
    client: TestClient, mailbox: tuple[Mailbox, int], wait: Wait
) -> None:
    make_user(client, "ann")
    ask(client, "ann")
    first = ticket_in(mailbox[0].next())
    profile = {"email": "new@example.com", "realname": "Ann", "comment": ""}
    path = f"{API}/users/{id_of(client, 'ann')}"
    assert client.put(path, json=profile, auth=ADMIN).status_code == 200
    assert choose(client, first).status_code == 403
    back = profile | {"email": "ann@example.com"}
    assert client.put(path, json=back, auth=ADMIN).status_code == 200
    wait(forgotten.LIFE_S / 60 + 1)
    assert choose(client, first).status_code == 403
    assert sign_in(browser(client), ("ann", PASSWORD)).status_code == 200


def test_without_a_server_or_an_address_nobody_is_asked(start: Start) -> None:
    visitor = browser(start(external_url=HERE))
    assert "Forgot your password?" not in words(visitor.get("/account/sign-in"))
    assert visitor.get("/account/forgotten").status_code == 403
    named = Values(email_host="mail", email_from="us@example.test")
    nothing = cast("Any", None)
    for address, is_open in (("", False), (HERE, True)):
        asked = Forgotten(nothing, nothing, cast("Any", SimpleNamespace(external_url=address)))
        assert asked.is_open(named) is is_open
    assert not asked.is_open(Values(email_host="mail", email_from="x", auth_mode="ldap_auth"))


def test_an_administrator_sets_the_server_and_tries_it(
    start: Start, mailbox: tuple[Mailbox, int]
) -> None:
    here = signed_in(start())
    path, to = "/harbor/configs/email", {"to": "boss@example.com"}
    assert here.post(f"{path}/test", data=to, headers=OWN).status_code == 400
    form = {"email_host": "127.0.0.1", "email_port": str(mailbox[1]), "email_password": "Secret"}
    wrong = here.post(path, data=form, headers=OWN)
    assert (wrong.status_code, wrong_at(wrong)) == (400, "email_from")
    form["email_from"] = "us@example.test"
    assert told(here.post(path, data=form, headers=OWN))["said"]
    page = here.get(path)
    assert "Set external_url as well" in words(page)
    assert "Secret" not in page.text
    assert told(here.post(f"{path}/test", data=to, headers=OWN))["said"]
    assert mailbox[0].next()["Subject"] == "Test message"
    form |= {"email_port": str(free_port()), "email_password": ""}
    assert told(here.post(path, data=form, headers=OWN))["said"]
    assert "Leave it empty to keep" in words(here.get(path))
    refused = here.post(f"{path}/test", data=to, headers=OWN)
    assert (refused.status_code, wrong_at(refused)) == (400, "to")


def test_a_ticket_for_one_purpose_is_none_for_another() -> None:
    box, ann = crypto.Box("key"), Login(3, "ann", "hash", is_admin=False)
    kept = tickets.make(box, forgotten.PURPOSE, ann, 60)
    assert tickets.read(box, forgotten.PURPOSE, kept) is not None
    assert tickets.read(box, second_factor.PURPOSE, kept) is None
    assert tickets.read(crypto.Box("other"), forgotten.PURPOSE, kept) is None


def send(server: Server, to: str = "ann@example.com", subject: str = "Hello") -> None:
    asyncio.run(mail.send(server, to, subject, "Text\n"))


def test_a_password_goes_by_tls_alone_and_certificates_count(tmp_path: Path) -> None:
    kept, port = Mailbox(), free_port()
    asked: list[bytes] = []

    def admits(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
        asked.append(data.password)
        return AuthResult(success=data.password == b"right")

    ours = Server(
        "127.0.0.1", port, "harbor", "right", "us@example.test", tls=False, unverified=True
    )
    server = Controller(
        kept,
        hostname="127.0.0.1",
        port=port,
        tls_context=self_signed(tmp_path),
        authenticator=admits,
        auth_required=True,
    )
    server.start()
    try:
        send(ours)
        assert kept.next()["Subject"] == "Hello"
        with pytest.raises(MailError):
            send(replace(ours, password="wrong"))
        asked.clear()
        with pytest.raises(MailError, match="certificate"):
            send(replace(ours, unverified=False))
        assert not asked
    finally:
        server.stop()


def test_a_password_is_not_sent_in_the_clear(mailbox: tuple[Mailbox, int]) -> None:
    plain = Server("127.0.0.1", mailbox[1], "harbor", "right", "us@example.test", False, False)
    with pytest.raises(MailError, match="no TLS"):
        send(plain)
    for to, subject in (("ann@example.com\r\nBcc: eve@example.com", "x"), ("a@b.com", "x\r\ny: z")):
        with pytest.raises(MailError):
            send(replace(plain, username=""), to, subject)
    assert mailbox[0].got.empty()
    with pytest.raises(MailError):
        send(replace(plain, port=free_port()))


def self_signed(folder: Path) -> ssl.SSLContext:
    """What a server needs that nobody has vouched for."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "server.pem"
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context
