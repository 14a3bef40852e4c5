"""Entity tags and If-Match (RFC 9110, sections 8.8.3 and 13.1.1)."""

import re
from typing import Annotated

from fastapi import Depends, Header

from my_service.core.errors import Invalid

ETAG = re.compile(r'"(\d{1,9})"')


def etag(version: int) -> str:
    """The entity tag of a version."""
    return f'"{version}"'


def get_version(if_match: Annotated[str | None, Header()] = None) -> int | None:
    """The version in If-Match; None without the header.

    Raises:
        Invalid: the header is not an entity tag of this service.
    """
    if if_match is None:
        return None
    if (match := ETAG.fullmatch(if_match)) is None:
        raise Invalid("Not a valid entity tag.", pointer="/header/if-match")
    return int(match[1])


ExpectedVersion = Annotated[int | None, Depends(get_version)]
