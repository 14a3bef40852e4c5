"""Passwords, of which only hashes are kept."""

import hashlib
import hmac
import secrets
from asyncio import to_thread

# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
COST = 2**14


async def hash_password(password: str) -> str:
    """The hash that is stored for a password."""
    salt = secrets.token_hex(16)
    return f"{salt}${await to_thread(_scrypt, password, salt)}"


async def is_password(password: str, stored: str) -> bool:
    """Whether this is the password that was hashed."""
    salt, _, digest = stored.partition("$")
    return hmac.compare_digest(await to_thread(_scrypt, password, salt), digest)


def _scrypt(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=COST, r=8, p=1).hex()
