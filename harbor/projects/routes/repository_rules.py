"""What may be asked, and by whom: which roles somebody has in some repositories of a project."""

from harbor.core.api import Audit, Created, Ctx, Routes
from harbor.core.errors import BadRequest, Conflict, NotFound
from harbor.core.security import project
from harbor.core.wire import Id
from harbor.projects import schemas
from harbor.projects.service import explaining, rules
from harbor.projects.service.header import standing_of

routes = Routes(prefix="/api/v2.0", tag="repositoryRule")
ALL = "/projects/{project_name_or_id}/repositoryrules"
ONE = f"{ALL}/{{rule_id}}"
FAILS = (BadRequest, Conflict, NotFound)


@routes.on("GET", ALL, allow=project("member", "list"), fails=(NotFound,))
async def list_repository_rules(ctx: Ctx, project_name_or_id: str) -> list[schemas.RepositoryRule]:
    """List the rules of a project, in the order in which they are asked."""
    by = await rules.writer(ctx)
    return [rules.told(each) for each in await rules.listed(ctx.session, ctx.known_project_id, by)]


@routes.on(
    "POST",
    ALL,
    allow=project("member", "create"),
    status=201,
    fails=FAILS,
    audit=Audit("create", "repository-rule", "{body.pattern}"),
)
async def create_repository_rule(
    ctx: Ctx, project_name_or_id: str, body: schemas.RepositoryRuleReq
) -> Created:
    """Give somebody another role in the repositories that a pattern names."""
    by = await rules.writer(ctx)
    made = await rules.create(ctx.session, ctx.known_project_id, body, by)
    ctx.subject = rules.said(made)
    place = ALL.format(project_name_or_id=project_name_or_id)
    return Created(f"{routes.prefix}{place}/{made.rule.id}")


@routes.on("GET", f"{ALL}/effective", allow=project("member", "list"), fails=(BadRequest, NotFound))
async def get_effective_role(
    ctx: Ctx, project_name_or_id: str, query: schemas.EffectiveQuery
) -> schemas.EffectiveRole:
    """Tell which role somebody has in a repository, and why."""
    by = await rules.writer(ctx)
    return await explaining.effective(ctx.session, await standing_of(ctx), query, by)


@routes.on(
    "PUT",
    ONE,
    allow=project("member", "update"),
    fails=FAILS,
    audit=Audit("update", "repository-rule", "{rule_id}"),
)
async def update_repository_rule(
    ctx: Ctx, project_name_or_id: str, rule_id: Id, body: schemas.RepositoryRuleReq
) -> None:
    """Change a rule, or its place in the order."""
    by = await rules.writer(ctx)
    changed = await rules.change(ctx.session, ctx.known_project_id, rule_id, body, by)
    ctx.subject = rules.said(changed)


@routes.on(
    "DELETE",
    ONE,
    allow=project("member", "delete"),
    fails=(NotFound,),
    audit=Audit("delete", "repository-rule", "{rule_id}"),
)
async def delete_repository_rule(ctx: Ctx, project_name_or_id: str, rule_id: Id) -> None:
    """Delete a rule: what it decided, the next one decides, or the role in the project."""
    gone = await rules.remove(ctx.session, ctx.known_project_id, rule_id, await rules.writer(ctx))
    ctx.subject = rules.said(gone)
