"""Types that any layer may use."""

from typing import Annotated

from pydantic import Field

# NUL ends a text in many a system behind this one; a client deserves to read that in the schema.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
