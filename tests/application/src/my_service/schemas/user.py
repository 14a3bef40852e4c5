"""Users in requests and responses."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import MISSING, BaseModel, Field, SecretStr

from my_service.core.custom.workshop import Role
from my_service.core.types import Text

UserName = Annotated[Text, Field(min_length=1, max_length=80)]
Password = Annotated[SecretStr, Field(min_length=12, max_length=200)]


class Credentials(BaseModel):
    """What somebody signs in with."""

    name: UserName
    password: Annotated[SecretStr, Field(max_length=200)]


class Token(BaseModel):
    """What is sent with every request from then on (RFC 6750)."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int


class UserCreate(BaseModel):
    """Somebody new."""

    name: UserName
    password: Password
    role: Role


class UserUpdate(BaseModel):
    """The fields to change."""

    role: Role | MISSING = MISSING
    is_active: bool | MISSING = MISSING


class UserRead(BaseModel):
    """Somebody who works here; never with the password."""

    id: UUID
    name: str
    role: Role
    is_active: bool
