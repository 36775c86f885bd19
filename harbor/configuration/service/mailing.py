"""What is done: know who takes our e-mail."""

from harbor.configuration.schemas import Values
from harbor.core.mail import Server


def mail_server(values: Values) -> Server | None:
    """The server that takes our messages; ``None`` without a host or a sender."""
    if not values.email_host.strip() or not values.email_from.strip():
        return None
    return Server(
        host=values.email_host.strip(),
        port=values.email_port,
        username=values.email_username,
        password=values.email_password,
        sender=values.email_from.strip(),
        tls=values.email_ssl,
        unverified=values.email_insecure,
    )
