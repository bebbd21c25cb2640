"""The login cookie of browsers. It holds the token itself: the server keeps no sessions."""

COOKIE = "volant_token"
MAX_AGE_SECONDS = 30 * 24 * 3600


def cookie_value(header: str, name: str) -> str | None:
    """The value of a cookie in a ``Cookie`` header, or None. A value that could break out of a header is no value."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name and value and value.isascii() and value.isprintable() and " " not in value:
            return value
    return None


def login_cookie(secret: str) -> str:
    """``Set-Cookie`` that no script can read and no other site's request carries."""
    return f"{COOKIE}={secret}; Path=/; Max-Age={MAX_AGE_SECONDS}; HttpOnly; SameSite=Strict"


def logout_cookie() -> str:
    """``Set-Cookie`` that forgets the token."""
    return f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"
