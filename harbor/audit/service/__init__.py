"""What is done: write lines, tell them to a syslog server, and find them again."""

from harbor.audit.service.lines import Within, of_project, search, visible_to
from harbor.audit.service.syslog import Syslog
from harbor.audit.service.trail import AuditTrail
from harbor.configuration.schemas import EVENT_TYPES

__all__ = ["EVENT_TYPES", "AuditTrail", "Syslog", "Within", "of_project", "search", "visible_to"]
