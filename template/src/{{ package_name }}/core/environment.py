"""The values of `APP_ENVIRONMENT`, the base of all groups of settings, and lists in settings."""

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationInfo
from pydantic_settings import NoDecode

_PARENTS = Path(__file__).resolve().parents
# Relative paths in settings start here, so that commands work in any directory.
PROJECT_ROOT = next((path for path in _PARENTS if (path / "pyproject.toml").is_file()), Path.cwd())


class Environment(StrEnum):
    """The values of `APP_ENVIRONMENT`."""

    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_deployed(self) -> bool:
        """Whether anyone but its developers can reach the service."""
        return self in {Environment.STAGING, Environment.PRODUCTION}

    @property
    def log_format(self) -> str:
        """The format of the log unless `APP_LOG_FORMAT` is set."""
        return "json" if self.is_deployed else "console"

    @property
    def is_production(self) -> bool:
        """Whether unsafe settings are refused, and the API schema is not served."""
        return self is Environment.PRODUCTION


class EnvironmentSettings(BaseModel):
    """The base of every group of settings."""

    environment: Environment = Environment.LOCAL

    def unsafe_in_production(self) -> list[str]:
        """List what production refuses: one sentence, with the name of the variable, for each."""
        return []

    def allows_origin(self, origin: str) -> bool:
        """Whether pages of another origin may call the service; by default, none may."""
        return False


def get_environment(info: ValidationInfo) -> Environment:
    """The environment, for use in field validators."""
    # `environment` is validated first. If it is invalid, its own error stops the service.
    return Environment(info.data.get("environment", Environment.LOCAL))


def split_list(value: object) -> object:
    """Read `a,b` or `["a", "b"]` as a list; anything but text is left to the type of the field."""
    if not isinstance(value, str):
        return value
    if re.match(r'\s*\[\s*["\]]', value):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f'is not valid JSON ({error}); write a,b or ["a", "b"]') from None
    return [item.strip() for item in value.split(",") if item.strip()]


ItemT = TypeVar("ItemT")
# The type of a setting with several values, such as `CommaSeparated[str]`.
CommaSeparated = Annotated[tuple[ItemT, ...], NoDecode, BeforeValidator(split_list)]
