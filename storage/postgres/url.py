"""The URL of a PostgreSQL database, as libpq reads it: ``postgresql://user:password@host:port/name?sslmode=require``."""

import re
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

_UNKNOWN = "invalid URI query parameter: "
_ENCODED = "it can't be read; in a password, write @ as %40, / as %2F, : as %3A, # as %23, ? as %3F and % as %25"


def check_url(url: str) -> None:
    """Raise ValueError, with a sentence that has no part of the password in it, if it can't be read."""
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as exc:
        words = str(exc).strip()
        if words.startswith(_UNKNOWN):  # the others quote the password
            raise ValueError(f"PostgreSQL knows no {words.removeprefix(_UNKNOWN)} in a URL: remove it") from None
        raise ValueError(_ENCODED) from None
    # What follows an @ or a / in a password ends up in these.
    if "@" in _text(parts, "host") + _text(parts, "dbname") or re.search(r"[^\d,]", _text(parts, "port")):
        raise ValueError(_ENCODED)


def name_of(url: str) -> str:
    """Where a database is: the URL without the user, the password and the parameters."""
    parts = conninfo_to_dict(url)
    host, port = _text(parts, "host") or _text(parts, "hostaddr"), _text(parts, "port").strip(",")
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{host}{f':{port}' if port else ''}/{_text(parts, 'dbname') or _text(parts, 'user')}"


def secrets_in(url: str) -> tuple[str, ...]:
    """The passwords in a URL."""
    parts = conninfo_to_dict(url)
    return tuple(filter(None, (_text(parts, "password"), _text(parts, "sslpassword"))))


def _text(parts: dict[str, Any], name: str) -> str:
    return str(parts.get(name) or "")
