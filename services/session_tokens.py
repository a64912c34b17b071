"""What a session is carried in: a JWT, signed with HS256 and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import jwt

from services.errors import NotSignedIn
from services.model import Role, Session, User
from services.signing import Keys

ISSUER = "backlot"
AUDIENCE = "backlot console"
CLAIMS = ["jti", "sub", "exp", "iat", "iss", "aud"]
ENDED = "Your session has ended. Please sign in again."


def encode(session: Session, signing: Keys) -> str:
    claims = {
        "jti": str(session.id),
        "sub": str(session.user.id),
        "name": session.user.name,
        "role": session.user.role.value,
        "choose_password": session.user.must_change_password,
        "iat": datetime.now(UTC),
        "exp": session.expires_at,
        "iss": ISSUER,
        "aud": AUDIENCE,
    }
    return jwt.encode(claims, signing.signing, algorithm="HS256")


def decode(token: str | None, signing: Keys) -> Session:
    """The session that a token claims, signed by us and not expired. Raises NotSignedIn, whatever the token is."""
    if not token:
        raise NotSignedIn("Please sign in.")
    for key in signing.accepted:
        try:
            return _claimed(token, key)
        except jwt.InvalidSignatureError:
            continue  # it may be signed with the key before
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise NotSignedIn(ENDED) from error  # a header or a claim of any shape: it was read before it was trusted
    raise NotSignedIn(ENDED)


def _claimed(token: str, key: bytes) -> Session:
    claims = jwt.decode(token, key, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE, options={"require": CLAIMS})
    user = User(
        id=int(claims["sub"]),
        name=str(claims["name"]),
        role=Role(claims["role"]),
        must_change_password=bool(claims["choose_password"]),
    )
    return Session(id=UUID(claims["jti"]), user=user, expires_at=datetime.fromtimestamp(claims["exp"], tz=UTC))
