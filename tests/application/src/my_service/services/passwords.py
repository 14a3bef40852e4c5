"""Password hashing."""

import hashlib
import hmac
import secrets
from asyncio import to_thread

# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
COST = 2**14


async def hash_password(password: str) -> str:
    """Hash a password with a random salt."""
    salt = secrets.token_hex(16)
    return f"{salt}${await to_thread(_scrypt, password, salt)}"


async def verify_password(password: str, password_hash: str) -> bool:
    """Whether a password has this hash."""
    salt, _, digest = password_hash.partition("$")
    return hmac.compare_digest(await to_thread(_scrypt, password, salt), digest)


def _scrypt(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=COST, r=8, p=1).hex()
