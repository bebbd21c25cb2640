"""Logging a browser in: the token is posted once and kept in a cookie that scripts cannot read."""

from html import escape

from volant.access.routes import HTML, PUBLIC, Request, Response, Route, redirect
from volant.access.tokens import TokenBook
from volant.kernel.errors import InvalidInputError
from volant.server.cookies import login_cookie, logout_cookie


def routes(book: TokenBook) -> tuple[Route, ...]:
    """The login form, and what it posts to. A UI may bring a form of its own for ``GET /login``."""

    def log_in(request: Request) -> Response:
        fields = request.form()
        secret = fields.get("token", "").strip()
        if not secret or len(secret) > 200:
            raise InvalidInputError("A token is needed to log in.", next_step="paste the token that begins with vol_", field="token")
        book.principal(secret)
        to = redirect(own_path(fields.get("next", "/")))
        return Response(status=to.status, content_type=to.content_type, headers=(*to.headers, ("set-cookie", login_cookie(secret))))

    def log_out(_request: Request) -> Response:
        return Response(status=303, content_type=HTML, headers=(("location", "/login"), ("set-cookie", logout_cookie())))

    return (
        Route(method="GET", path="/login", needs=PUBLIC, summary="A form for a token.", handler=_form, inline=True),
        Route(method="POST", path="/login", needs=PUBLIC, summary="Keep a token in a cookie.", handler=log_in, inline=True),
        Route(method="POST", path="/logout", needs=PUBLIC, summary="Forget the token.", handler=log_out, inline=True),
    )


def own_path(text: str) -> str:
    """A path on this server; anything that a browser could read as another address becomes the front page."""
    safe = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isascii() and text.isprintable()
    return text if safe else "/"


def _form(request: Request) -> Response:
    to = escape(own_path(request.query.get("next", "/")), quote=True)
    body = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Log in - Volant</title>"
        "<h1>Log in to Volant</h1><form method=post action=/login>"
        f"<input type=hidden name=next value='{to}'>"
        "<p><label>Token <input type=password name=token autocomplete=current-password required autofocus></label> <button>Log in</button>"
        "<p>An admin makes tokens with <code>volant tokens create NAME --role ROLE</code>.</form></html>"
    )
    return Response(body=body.encode(), content_type=HTML)
