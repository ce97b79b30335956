"""Names of identities. An id is text, unique in its design, and never shown to the user."""

from typing import NewType

ElementId = NewType("ElementId", str)
LinkId = NewType("LinkId", str)
GroupId = NewType("GroupId", str)
SpecId = NewType("SpecId", str)
ModelId = NewType("ModelId", str)
