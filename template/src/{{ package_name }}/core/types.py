"""Types that any layer may use."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

# Many systems cannot store NUL; the pattern documents it in OpenAPI.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
# An offset may move a time out of the range of years that Python supports.
Timestamp = Annotated[
    AwareDatetime,
    Field(ge=datetime.min.replace(tzinfo=UTC), le=datetime.max.replace(tzinfo=UTC)),
]
# Most systems store integers in 32 or 64 bits.
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
