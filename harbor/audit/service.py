"""What is done: write a line."""

from sqlalchemy.ext.asyncio import AsyncSession

from harbor.audit.models import AuditLog
from harbor.core.api import AuditLine

ANONYMOUS = "anonymous"


def record(session: AsyncSession, line: AuditLine) -> None:
    session.add(row_of(line))


def row_of(line: AuditLine) -> AuditLog:
    who = line.principal.name or ANONYMOUS
    return AuditLog(
        project_id=line.project_id,
        operation=line.operation,
        operation_description=f"{line.operation} {line.resource_type}: {line.resource}",
        operation_result=line.succeeded,
        resource_type=line.resource_type,
        resource=line.resource,
        username=who,
    )
