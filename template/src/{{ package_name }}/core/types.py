"""Types that any layer may use."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

# NUL ends a text in many a system behind this one; a client deserves to read that in the schema.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
# An offset can move the first and the last day of the calendar out of it.
Timestamp = Annotated[
    AwareDatetime,
    Field(ge=datetime.min.replace(tzinfo=UTC), le=datetime.max.replace(tzinfo=UTC)),
]
# An integer of Python has no end; what keeps one elsewhere has 32 bits, or 64.
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
