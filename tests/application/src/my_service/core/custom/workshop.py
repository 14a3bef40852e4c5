"""The words of the workshop that every layer uses."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do who works here."""

    APPRENTICE = "apprentice"
    MECHANIC = "mechanic"
    MANAGER = "manager"


class OrderStatus(StrEnum):
    """How far a repair has come."""

    RECEIVED = "received"
    IN_REPAIR = "in repair"
    WAITING_FOR_PARTS = "waiting for parts"
    READY = "ready"
    COLLECTED = "collected"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether the bicycle is still in the workshop."""
        return self not in {OrderStatus.COLLECTED, OrderStatus.CANCELLED}


NEXT: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.RECEIVED: frozenset({OrderStatus.IN_REPAIR, OrderStatus.CANCELLED}),
    OrderStatus.IN_REPAIR: frozenset(
        {OrderStatus.WAITING_FOR_PARTS, OrderStatus.READY, OrderStatus.CANCELLED}
    ),
    OrderStatus.WAITING_FOR_PARTS: frozenset({OrderStatus.IN_REPAIR, OrderStatus.CANCELLED}),
    OrderStatus.READY: frozenset({OrderStatus.COLLECTED, OrderStatus.IN_REPAIR}),
    OrderStatus.COLLECTED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}
