"""Where the service runs, and how its environment is read."""

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationInfo
from pydantic_settings import NoDecode

_FOLDERS = Path(__file__).resolve().parents
# Relative paths in settings start here, so that no command depends on the folder it is run from.
PROJECT_ROOT = next((each for each in _FOLDERS if (each / "pyproject.toml").is_file()), Path.cwd())


class Environment(StrEnum):
    """The stages of a service's life, as `APP_ENVIRONMENT` spells them."""

    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_deployed(self) -> bool:
        """Whether others than the developers reach the service."""
        return self in {Environment.STAGING, Environment.PRODUCTION}

    @property
    def log_format(self) -> str:
        """How the log is written where no setting says it."""
        return "json" if self.is_deployed else "console"

    @property
    def is_production(self) -> bool:
        """Whether what is unsafe is refused, and the schema kept to ourselves."""
        return self is Environment.PRODUCTION


class EnvironmentSettings(BaseModel):
    """What every group of settings needs to know to judge its own values."""

    environment: Environment = Environment.LOCAL

    def unsafe_in_production(self) -> list[str]:
        """What else production refuses; one sentence, with the variable's name, for each finding."""
        return []

    def allows_origin(self, origin: str) -> bool:
        """Whether pages of another origin may call the service; here none may."""
        return False


def environment_of(info: ValidationInfo) -> Environment:
    """Where the values run that a validator of one field judges."""
    # The environment is the first field. One that is invalid stops the service by itself.
    environment: Environment = info.data.get("environment", Environment.LOCAL)
    return environment


def split_list(value: object) -> object:
    """Read `a,b` or `["a", "b"]` as a list; leave anything but text to the field's own type."""
    if not isinstance(value, str):
        return value
    if re.match(r'\s*\[\s*["\]]', value):
        return json.loads(value)
    return [each.strip() for each in value.split(",") if each.strip()]


ItemT = TypeVar("ItemT")
# The type of a setting that lists several values: `CommaSeparated[str]`.
CommaSeparated = Annotated[tuple[ItemT, ...], NoDecode, BeforeValidator(split_list)]
