"""What may be asked, and by whom: the immutable tag rules of a project."""

from harbor.core.api import Audit, Created, Ctx, Page, Routes
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.query import Listing
from harbor.core.security import project
from harbor.core.wire import Id
from harbor.immutability import schemas, service

routes = Routes(prefix="/api/v2.0", tag="immutable")
ALL = "/projects/{project_name_or_id}/immutabletagrules"
ONE = f"{ALL}/{{immutable_rule_id}}"


@routes.on(
    "GET",
    ALL,
    allow=project("immutable-tag", "list"),
    fails=(BadRequest, NotFound),
    id="ListImmuRules",
)
async def list_immutable_rules(
    ctx: Ctx, project_name_or_id: str, query: Listing
) -> Page[schemas.ImmutableRule]:
    """List the immutable tag rules of a project."""
    return Page(*await service.search(ctx.session, ctx.known_project_id, query))


@routes.on(
    "POST",
    ALL,
    allow=project("immutable-tag", "create"),
    status=201,
    fails=(NotFound, Conflict),
    audit=Audit("create", "immutable", "{project_name_or_id}"),
    id="CreateImmuRule",
)
async def create_immutable_rule(
    ctx: Ctx, project_name_or_id: str, body: schemas.ImmutableRuleReq
) -> Created:
    """Make tags of a project immutable."""
    rule = await service.create(ctx.session, ctx.known_project_id, body)
    return Created(f"/api/v2.0/projects/{project_name_or_id}/immutabletagrules/{rule.id}")


@routes.on(
    "PUT",
    ONE,
    allow=project("immutable-tag", "update"),
    fails=(NotFound, Conflict),
    audit=Audit("update", "immutable", "{project_name_or_id}/{immutable_rule_id}"),
    id="UpdateImmuRule",
)
async def update_immutable_rule(
    ctx: Ctx, project_name_or_id: str, immutable_rule_id: Id, body: schemas.ImmutableRuleReq
) -> None:
    """Switch a rule on or off, or, where that is not asked for, change what it says."""
    if body.id != immutable_rule_id:
        raise BadRequest(f"the id in the body is {body.id}, in the path {immutable_rule_id}")
    rule = await service.get(ctx.session, ctx.known_project_id, immutable_rule_id)
    await service.change(ctx.session, rule, body)


@routes.on(
    "DELETE",
    ONE,
    allow=project("immutable-tag", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "immutable", "{project_name_or_id}/{immutable_rule_id}"),
    id="DeleteImmuRule",
)
async def delete_immutable_rule(ctx: Ctx, project_name_or_id: str, immutable_rule_id: Id) -> None:
    """Delete a rule: the tags that only it protected may change again."""
    rule = await service.get(ctx.session, ctx.known_project_id, immutable_rule_id)
    await service.remove(ctx.session, rule)
