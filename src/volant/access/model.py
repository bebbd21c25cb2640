"""Roles, permissions and principals."""

from enum import StrEnum

from volant.kernel.codec import Value


class Permission(StrEnum):
    """What a route or command may need."""

    READ = "read"
    PREDICT = "predict"
    LABEL = "label"
    CONTRIBUTE = "contribute"
    APPROVE = "approve"
    ADMIN = "admin"


class Role(StrEnum):
    """Named sets of permissions."""

    VIEWER = "viewer"
    ANNOTATOR = "annotator"
    CONTRIBUTOR = "contributor"
    APPROVER = "approver"
    ADMIN = "admin"
    SERVICE = "service"


GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.ANNOTATOR: frozenset({Permission.READ, Permission.LABEL}),
    Role.CONTRIBUTOR: frozenset({Permission.READ, Permission.LABEL, Permission.PREDICT, Permission.CONTRIBUTE}),
    Role.APPROVER: frozenset({Permission.READ, Permission.LABEL, Permission.PREDICT, Permission.CONTRIBUTE, Permission.APPROVE}),
    Role.ADMIN: frozenset(Permission),
    Role.SERVICE: frozenset({Permission.PREDICT, Permission.LABEL}),
}


class Principal(Value, frozen=True, kw_only=True):
    """Who asks."""

    name: str
    role: Role

    def may(self, permission: Permission) -> bool:
        """Whether the role grants it."""
        return permission in GRANTS[self.role]


class Token(Value, frozen=True, kw_only=True):
    """A bearer token as stored: only the digest of the secret."""

    name: str
    role: Role
    digest: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
