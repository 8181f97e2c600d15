"""Database addresses with and without somebody's name and password in them."""

from urllib.parse import quote, urlsplit, urlunsplit


def signed_in(address: str, user: str, password: str) -> str:
    """Return the address with a user and password in place of those it had."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def without_user(address: str) -> str:
    """Return the address as it may be shown: without user and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
