"""What is done: tell which values a setting may have."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from harbor.configuration.schemas import ELSEWHERE, HINTS, Banner, Secret, Text, Values
from harbor.core.errors import BadRequest
from harbor.core.regex import compiled

DEFAULTS = Values()
MAX_ADDRESS = 255  # characters
MAX_ISSUERS = 50


def checked(name: str, value: object, *, strict: bool = True) -> object:
    """*value* in the type of the setting *name*; ``BadRequest`` names the setting.

    The empty text stands for the default. Unless *strict*, other texts may stand for numbers
    and truth values.
    """
    if value == "" and HINTS[name] in (Text, Secret):
        return getattr(DEFAULTS, name)
    try:
        found = msgspec.convert(value, HINTS[name], strict=strict)
        if check := CHECKS.get(name):
            check(found)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRequest(f"bad request: {name}: {error}") from error
    return found


def check_limit(value: int) -> None:
    if value == 0:
        raise ValueError("the limit is -1 for none, or more than 0 bytes")


def check_banner(value: str) -> None:
    msgspec.json.decode(value, type=Banner)


def check_parameters(value: str) -> None:
    msgspec.json.decode(value, type=dict[str, str])


def check_sources(value: str) -> None:
    if unknown := set(filter(None, value.split(","))) - set(ELSEWHERE):
        raise ValueError(f"no such mode: {', '.join(sorted(unknown))}")


def check_address(value: str) -> None:
    parts = urlsplit(value)
    if len(value) > MAX_ADDRESS:
        raise ValueError(f"expected at most {MAX_ADDRESS} characters")
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
        raise ValueError("expected https:// and the name of a server")


def check_issuers(value: str) -> None:
    issuers = value.split()
    if len(issuers) > MAX_ISSUERS:
        raise ValueError(f"expected at most {MAX_ISSUERS} issuers")
    for each in issuers:
        check_address(each)


def check_regex(value: str) -> None:
    compiled(value)


CHECKS: Mapping[str, Callable[..., None]] = {
    "storage_per_project": check_limit,
    "auth_sources": check_sources,
    "banner_message": check_banner,
    "oidc_extra_redirect_parms": check_parameters,
    "oidc_endpoint": check_address,
    "workload_issuers": check_issuers,
    "oidc_group_filter": check_regex,
}


def check_together(values: Mapping[str, object]) -> None:
    """``BadRequest`` if the values do not fit together; what is absent has its default."""
    told = msgspec.structs.replace(DEFAULTS, **values)
    if told.skip_audit_log_database and not told.audit_log_forward_endpoint:
        raise BadRequest(
            "bad request: skip_audit_log_database: audit_log_forward_endpoint must be set first, "
            "or the audit log would be nowhere"
        )
