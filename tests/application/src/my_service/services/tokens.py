"""Tokens that say who sends a request: signed, and good for some hours."""

import hmac
from base64 import urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import UTC, datetime, timedelta
from uuid import UUID

from my_service.core.errors import Unauthorized
from my_service.core.settings import Settings


class TokenInvalid(Unauthorized):
    code, message = "token_invalid", "The token is wrong or has expired; sign in again."


def sign(user_id: UUID, settings: Settings) -> str:
    """A token for somebody who has signed in."""
    expires = datetime.now(UTC) + timedelta(seconds=settings.token_lifetime)
    claim = f"{user_id.hex}.{int(expires.timestamp())}"
    return f"{claim}.{_signature(claim, settings)}"


def read(token: str, settings: Settings) -> UUID:
    """Whose token this is.

    Raises:
        TokenInvalid: nobody's, or not any more.
    """
    claim, _, signature = token.rpartition(".")
    try:
        is_ours = hmac.compare_digest(signature, _signature(claim, settings))
        user_id, _, expires = claim.partition(".")
        if is_ours and int(expires) > datetime.now(UTC).timestamp():
            return UUID(user_id)
    except (ValueError, TypeError, NotBase64):
        pass
    raise TokenInvalid


def _signature(claim: str, settings: Settings) -> str:
    secret = settings.jwt_secret.get_secret_value().encode()
    digest = hmac.digest(secret, claim.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
