"""What is said: lines of the audit log, as callers see them."""

from msgspec import Struct

from harbor.core.wire import Time


class AuditLog(Struct):
    """A line as Harbor 2.12 and older said it."""

    id: int
    username: str
    resource: str
    resource_type: str
    operation: str
    op_time: Time


class AuditLogExt(Struct):
    """A line; what failed is there too."""

    id: int
    username: str
    resource: str
    resource_type: str
    operation: str
    operation_description: str
    operation_result: bool
    op_time: Time


class AuditLogEventType(Struct):
    event_type: str
