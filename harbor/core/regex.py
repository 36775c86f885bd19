"""Regular expressions that people write: matched in linear time, however they are made.

The language is that of RE2, which is Harbor's too; Python's own could keep a processor busy for
years with a text of a hundred characters.
"""

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=32)
def compiled(pattern: str) -> Any:
    """*pattern*, ready to search with; ``ValueError`` says what is wrong with it."""
    import re2  # noqa: PLC0415, megabytes, and few write such patterns

    quiet = re2.Options()
    quiet.log_errors = False
    try:
        return re2.compile(pattern, quiet)
    except re2.error as error:
        why = error.args[0]
        said = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise ValueError(f"no regular expression: {said}") from error
    except UnicodeEncodeError as error:
        raise ValueError("no regular expression: half of a character") from error
