"""Types that any layer may use."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field


def _refuse_number(value: object) -> object:
    # Pydantic takes it for seconds since 1970, of which the schema says nothing.
    if isinstance(value, int | float) or re.fullmatch(r"\s*[-+]?[\d.]+\s*", str(value)):
        raise ValueError("Must not be a number")
    return value


# Many systems cannot store NUL; the pattern documents it in OpenAPI.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Date = Annotated[date, BeforeValidator(_refuse_number)]
# An offset may move a time out of the range of years that Python supports.
Timestamp = Annotated[
    AwareDatetime,
    Field(ge=datetime.min.replace(tzinfo=UTC), le=datetime.max.replace(tzinfo=UTC)),
    # After the limits, which would otherwise become keywords that JSON Schema does not have.
    BeforeValidator(_refuse_number),
    # So that the first response has the same value as later ones.
    AfterValidator(lambda value: value.astimezone(UTC)),
]
# Most systems store integers in 32 or 64 bits.
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
