"""What a page must never do: complain, break its own policy, or call another host."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, WebError

# Some violations of the policy are told to the page only, and not to the console.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(
  `policy violation: ${event.effectiveDirective} ${event.blockedURI} at ${event.sourceFile}`));
"""


@dataclass
class Guard:
    """Watches every page of a test; whatever is not expected fails the test at its end."""

    host: str
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """Let complaints pass that match *pattern*; there must be one."""
        self.expected.append(pattern)

    def expect_refusal(self, status: int = 400) -> None:
        """Let a form be refused."""
        self.expect(f"status of {status}")
        self.expect(f"Status Error Code {status}")

    def watch(self, context: BrowserContext) -> None:
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", self.on_console)
        context.on("weberror", self.on_error)
        context.on("request", self.on_request)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            place = message.location
            self.complaints.append(f"{message.type}: {message.text} ({place['url']})")

    def on_error(self, error: WebError) -> None:
        self.complaints.append(f"uncaught: {error.error}")

    def on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.netloc != self.host and parts.scheme not in ("data", "blob", "about"):
            self.complaints.append(f"request to another host: {request.url}")

    def judge(self) -> None:
        unexpected = [
            text
            for text in self.complaints
            if not any(re.search(pattern, text) for pattern in self.expected)
        ]
        assert not unexpected, "\n".join(unexpected)
        missing = [
            pattern
            for pattern in self.expected
            if not any(re.search(pattern, text) for text in self.complaints)
        ]
        assert not missing, f"expected, and did not happen: {missing}"
