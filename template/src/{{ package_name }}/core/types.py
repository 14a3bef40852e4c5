"""Types that any layer may use."""

from typing import Annotated

from pydantic import Field

# PostgreSQL cannot store NUL in a text, and a client deserves to read that in the schema.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
