"""Pages: one strict Jinja environment over ``templates/``."""

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from harbor.core import shipped

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
environment = Environment(
    loader=FileSystemLoader(shipped.folder("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, page: object) -> str:
    """*template* shown with the one name it may use: ``page``."""
    return environment.get_template(template).render(page=page)
