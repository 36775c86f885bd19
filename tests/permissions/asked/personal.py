from collections.abc import Callable

from tests.make import API, Login, make_user
from tests.permissions.world import Request, World
from tests.users.people import id_of

NONE = "0" * 64  # the id of no session


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def wanted() -> Request:
        return {"json": {"name": world.fresh("token"), "actions": ["pull"]}}

    def token_of(owner: Login | None) -> int:
        """The id of a token of somebody's; 0 for nobody, and for robots, which have none."""
        path = f"{API}/users/current/tokens"
        made = world.client.post(path, auth=owner, **wanted()) if owner else None
        return int(made.json()["id"]) if made and made.status_code == 201 else 0

    def somebody() -> tuple[int, Login]:
        made = make_user(world.client, world.fresh("somebody"))
        return id_of(world.client, made[0]), made

    def of_user() -> Request:
        return {"path": {"user_id": somebody()[0]}}

    def token_of_user() -> Request:
        user_id, owner = somebody()
        return {"path": {"user_id": user_id, "token_id": token_of(owner)}}

    return {
        "createAccessToken": wanted,
        "revokeAccessToken": lambda: {"path": {"token_id": token_of(login)}},
        "listAccessTokensOfUser": of_user,
        "revokeAccessTokenOfUser": token_of_user,
        "endSession": lambda: {"path": {"session_id": NONE}},
        "listSessionsOfUser": of_user,
        "endSessionsOfUser": of_user,
        "endSessionOfUser": lambda: {"path": {"user_id": somebody()[0], "session_id": NONE}},
        "makeAccessToken": lambda: {"data": {"name": world.fresh("token"), "actions": "pull"}},
        "askToRevokeAccessTokens": lambda: {"params": {"id": token_of(login)}},
        "revokeAccessTokens": lambda: {"data": {"id": token_of(login)}},
        "askToEndSessions": lambda: {"params": {"id": NONE}},
        "endChosenSessions": lambda: {"data": {"id": NONE}},
        "askToSignOut": of_user,
        "signOutEverywhere": of_user,
        "signInWithCode": lambda: {"data": {"ticket": "none", "code": "000000"}},
        "signInWithPasskey": lambda: {"data": {"ticket": "none", "passkey": "{}"}},
        "askToChangeSecondFactor": lambda: {"path": {"change": "begin"}},
        "beginSecondFactor": lambda: {"data": {"password": "wrong"}},
        "beginPasskey": lambda: {"data": {"password": "wrong"}},
        "askToRemovePasskey": lambda: {"path": {"passkey_id": 1}},
        "removePasskey": lambda: {"path": {"passkey_id": 1}, "data": {"code": "000000"}},
        "askToResetSecondFactor": of_user,
        "resetSecondFactor": of_user,
        "releaseHere": lambda: {"data": {"name": world.fresh("nobody")}},
        "releaseLockout": lambda: {"params": {"name": world.fresh("nobody")}},
    }
