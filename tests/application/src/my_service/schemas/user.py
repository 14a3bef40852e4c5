"""Users in requests and responses."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import MISSING, BaseModel, Field, SecretStr

from my_service.core.custom.workshop import Role
from my_service.core.types import Text

UserName = Annotated[Text, Field(min_length=1, max_length=80)]
Password = Annotated[SecretStr, Field(min_length=12, max_length=200)]


class Credentials(BaseModel):
    """The name and password of a user."""

    name: UserName
    password: Annotated[SecretStr, Field(max_length=200)]


class Token(BaseModel):
    """A bearer token (RFC 6750)."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int


class UserCreate(BaseModel):
    """A new user."""

    name: UserName
    password: Password
    role: Role


class UserUpdate(BaseModel):
    """The fields to change."""

    role: Role | MISSING = MISSING
    is_active: bool | MISSING = MISSING


class UserRead(BaseModel):
    """A user as it is stored, without the password."""

    id: UUID
    name: str
    role: Role
    is_active: bool
