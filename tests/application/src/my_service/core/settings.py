"""The settings of this service: add yours here."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, HttpUrl, PositiveFloat, PositiveInt, SecretStr
from pydantic_settings import SettingsConfigDict

from my_service.core.environment import PROJECT_ROOT, CommaSeparated
from my_service.core.foundation_settings import FoundationSettings


class MailSettings(BaseModel):
    """The sender and the copies of emails to customers."""

    sender: str = "workshop@example.com"
    copies: CommaSeparated[str] = ()


class Settings(FoundationSettings):
    """Every setting of the service; a field `payment_url` is set by `APP_PAYMENT_URL`."""

    model_config = SettingsConfigDict(env_nested_delimiter="__")

    cors_allow_headers = (*FoundationSettings.cors_allow_headers, "If-Match", "Idempotency-Key")
    cors_expose_headers = (
        *FoundationSettings.cors_expose_headers,
        *("Deprecation", "ETag", "Idempotent-Replayed"),
    )

    # Signs the access tokens.
    jwt_secret: Annotated[SecretStr, Field(min_length=32)]
    token_lifetime: PositiveInt = 8 * 60 * 60
    # The folder for photos of bicycles.
    photo_folder: Path = PROJECT_ROOT / "photos"
    # The brands that the workshop repairs; if empty, all.
    brands: CommaSeparated[str] = ()
    supplier_url: HttpUrl = HttpUrl("https://parts.example.com/")
    # Seconds between cleanups of expired rows.
    cleanup_interval: PositiveFloat = 60
    mail: MailSettings = MailSettings()

    def unsafe_in_production(self) -> list[str]:
        """Settings that production refuses, with the fix."""
        unsafe = super().unsafe_in_production()
        if self.supplier_url.scheme != "https":
            unsafe.append("APP_SUPPLIER_URL: use https.")
        return unsafe
