"""Messages by e-mail: handed to the SMTP server that an administrator has named."""

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import smtplib

from harbor.core.lazily import loaded

PATIENCE_S = 10.0  # for each answer of the server
# Threads of their own: those that all share do not wait for a server that hangs.
POSTMEN = ThreadPoolExecutor(2, thread_name_prefix="mail")


class MailError(Exception):
    """A message was not taken; the text says why, for administrators."""


class Server(Struct, frozen=True):
    """Who takes messages, and how we speak to it."""

    host: str
    port: int
    username: str  # "": we do not sign in
    password: str
    sender: str
    tls: bool  # from the first byte on; otherwise STARTTLS where it is offered
    unverified: bool  # any certificate will do, and a password may go without TLS


async def send(server: Server, to: str, subject: str, text: str) -> None:
    """Hand a message to *server*; ``MailError`` if that fails."""
    await loaded("smtplib")
    import smtplib  # noqa: PLC0415

    try:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = server.sender, to, subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=server.host)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(POSTMEN, deliver, server, message, to)
    # Besides what the server says, and that it is not there: what is no name, or no address.
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailError(str(error) or type(error).__name__) from error


def deliver(server: Server, message: EmailMessage, to: str) -> None:
    trust = ssl.create_default_context()
    if server.unverified:
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with opened(server, trust) as smtp:
        smtp.ehlo_or_helo_if_needed()
        encrypted = server.tls
        if not encrypted and smtp.has_extn("starttls"):
            smtp.starttls(context=trust)
            encrypted = True
        if server.username:
            if not (encrypted or server.unverified):
                raise MailError("the server offers no TLS, so that the password was not sent")
            smtp.login(server.username, server.password)
        # The address alone decides who gets it, whatever a header could be read as.
        smtp.send_message(message, to_addrs=[to])


def opened(server: Server, trust: ssl.SSLContext) -> "smtplib.SMTP":
    import smtplib  # noqa: PLC0415

    if server.tls:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE_S, context=trust)
    return smtplib.SMTP(server.host, server.port, timeout=PATIENCE_S)
