"""Signed access tokens that expire."""

import hmac
from base64 import urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import UTC, datetime, timedelta
from uuid import UUID

from my_service.core.errors import Unauthorized
from my_service.core.settings import Settings


class TokenInvalid(Unauthorized):
    code, message = "token_invalid", "The token is invalid or has expired; sign in again."


def create_token(user_id: UUID, settings: Settings) -> str:
    """Create a token for a user."""
    expires = datetime.now(UTC) + timedelta(seconds=settings.token_lifetime)
    claim = f"{user_id.hex}.{int(expires.timestamp())}"
    return f"{claim}.{_signature(claim, settings)}"


def verify_token(token: str, settings: Settings) -> UUID:
    """The id of the user of a token.

    Raises:
        TokenInvalid: the signature is wrong, or the token has expired.
    """
    claim, _, signature = token.rpartition(".")
    try:
        is_valid = hmac.compare_digest(signature, _signature(claim, settings))
        user_id, _, expires = claim.partition(".")
        if is_valid and int(expires) > datetime.now(UTC).timestamp():
            return UUID(user_id)
    except (ValueError, TypeError, NotBase64):
        pass
    raise TokenInvalid


def _signature(claim: str, settings: Settings) -> str:
    secret = settings.jwt_secret.get_secret_value().encode()
    digest = hmac.digest(secret, claim.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
