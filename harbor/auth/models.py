"""What is kept: keys that sign registry tokens, sessions of browsers, what else opens accounts."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from harbor.core import clock
from harbor.core.db import Table, Time


class SigningKey(Table):
    """The newest one signs; older ones verify until the tokens that they signed have ended."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    private_pem: Mapped[str] = mapped_column(Text)  # encrypted: core/crypto.py, Box
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class Session(Table):
    """Somebody who has signed in with a browser. The cookie holds what ``id`` is a hash of."""

    __tablename__ = "session"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, hexadecimal
    user_id: Mapped[int] = mapped_column(
        ForeignKey("harbor_user.user_id", ondelete="CASCADE"), index=True
    )
    password_mark: Mapped[str] = mapped_column(String(64))  # of the password it was begun with
    address: Mapped[str] = mapped_column(String(64), default="")  # of the client that signed in
    user_agent: Mapped[str] = mapped_column(String(255), default="")
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    last_seen: Mapped[datetime] = mapped_column(Time, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Time, index=True)


class AccessToken(Table):
    """A secret that stands for its owner's password, for some purposes and some time."""

    __tablename__ = "access_token"
    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        {"sqlite_autoincrement": True},  # what was issued for a token never means another one
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("harbor_user.user_id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(64))
    secret: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256, hexadecimal
    actions: Mapped[str] = mapped_column(String(64))  # parted by spaces
    projects: Mapped[str | None] = mapped_column(Text)  # ids, parted by spaces; None: all
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    expires_at: Mapped[datetime | None] = mapped_column(Time)
    last_used: Mapped[datetime | None] = mapped_column(Time)
    last_address: Mapped[str] = mapped_column(String(64), default="")


class SecondFactor(Table):
    """What somebody's authenticator and we share; until it was shown to work, it is not asked."""

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("harbor_user.user_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str] = mapped_column(Text)  # encrypted: core/crypto.py, Box
    confirmed: Mapped[bool] = mapped_column(default=False)
    # When the last code was made, in steps: no code counts twice.
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)


class Passkey(Table):
    """The public half of a key that somebody's device or password manager signs with."""

    __tablename__ = "passkey"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("harbor_user.user_id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(64))
    credential_id: Mapped[str] = mapped_column(String(1400), unique=True)  # base64url
    public_key: Mapped[str] = mapped_column(Text)  # COSE, base64url
    site: Mapped[str] = mapped_column(String(255))  # the host that it is for, its RP ID
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    # When the last challenge was made that it answered, in microseconds: none counts twice.
    last_challenge: Mapped[int] = mapped_column(BigInteger, default=0)
    creation_time: Mapped[datetime] = mapped_column(Time, default=clock.now)
    last_used: Mapped[datetime | None] = mapped_column(Time)


class RecoveryCode(Table):
    """What stands for a lost authenticator, once."""

    __tablename__ = "recovery_code"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("harbor_user.user_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    code: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, hexadecimal


class SignInTry(Table):
    """Wrong passwords of a name, an address, or both, and who has come in there.

    Whether there is an account of the name makes no difference.
    """

    __tablename__ = "sign_in_try"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)  # folded; "": whatever names
    address: Mapped[str] = mapped_column(String(64), primary_key=True)  # "": from wherever
    wrong: Mapped[int] = mapped_column(BigInteger)  # in a row
    last_time: Mapped[datetime] = mapped_column(Time, index=True)
    until_time: Mapped[datetime] = mapped_column(Time)  # nothing is tried before
    known_time: Mapped[datetime | None] = mapped_column(Time)  # when somebody came in
