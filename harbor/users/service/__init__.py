"""What is done: check, find, create, change and delete people."""

from harbor.users.service.listing import (
    is_taken,
    listed,
    refuse_address_of_another,
    search,
    several,
)
from harbor.users.service.logins import (
    WRONG_PASSWORD,
    Login,
    find_login,
    improve_hash,
    is_there,
    replace_password,
)
from harbor.users.service.people import (
    RENAMED_ADMIN,
    create,
    get,
    remove,
    rename_admin,
    seed,
    set_sysadmin,
    update_profile,
    why_kept,
)
from harbor.users.service.rules import (
    DB_AUTH,
    MAX_NAME,
    check,
    check_mode,
    check_mode_for_new,
    check_password,
    check_profile,
)

__all__ = [
    "DB_AUTH",
    "MAX_NAME",
    "RENAMED_ADMIN",
    "WRONG_PASSWORD",
    "Login",
    "check",
    "check_mode",
    "check_mode_for_new",
    "check_password",
    "check_profile",
    "create",
    "find_login",
    "get",
    "improve_hash",
    "is_taken",
    "is_there",
    "listed",
    "refuse_address_of_another",
    "remove",
    "rename_admin",
    "replace_password",
    "search",
    "seed",
    "set_sysadmin",
    "several",
    "update_profile",
    "why_kept",
]
