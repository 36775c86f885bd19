"""What is done: take a manifest in, whichever door it came through."""

from collections.abc import Awaitable, Callable

from harbor.artifacts.schemas import Pushed
from harbor.artifacts.service import artifacts, details, redirects
from harbor.configuration.service import Configuration
from harbor.core.api import Ctx
from harbor.core.quick import Pen


async def push(
    ctx: Ctx, pushed: Pushed, *, allowed: Callable[[Pen], Awaitable[None]] | None = None
) -> None:
    """Keep a manifest, with the audit line of the operation, unless *allowed* raises.

    That is asked in the transaction, while nobody else pushes to the repository.
    """
    described = await details.read(ctx.store, pushed.manifest)
    limited = await enforced(ctx)

    refuse = redirects.refusing(ctx, pushed.place)

    async def rows(pen: Pen) -> None:
        if allowed is not None:
            await artifacts.ensure_repository(pen, pushed.place, refuse)
            await allowed(pen)
        by = ctx.principal.name
        await artifacts.add(pen, pushed, described, refuse, enforced=limited, by=by)

    await ctx.write(rows)


async def enforced(ctx: Ctx) -> bool:
    """Whether projects must keep to their limits."""
    return (await ctx.the(Configuration).current()).quota_per_project_enable
