"""Roles and order statuses."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """The role of a user; a manager has the permissions of every role."""

    APPRENTICE = "apprentice"
    MECHANIC = "mechanic"
    MANAGER = "manager"


class OrderStatus(StrEnum):
    """The status of a repair order."""

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


TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.RECEIVED: frozenset({OrderStatus.IN_REPAIR, OrderStatus.CANCELLED}),
    OrderStatus.IN_REPAIR: frozenset(
        {OrderStatus.WAITING_FOR_PARTS, OrderStatus.READY, OrderStatus.CANCELLED}
    ),
    OrderStatus.WAITING_FOR_PARTS: frozenset({OrderStatus.IN_REPAIR, OrderStatus.CANCELLED}),
    OrderStatus.READY: frozenset({OrderStatus.COLLECTED, OrderStatus.IN_REPAIR}),
    OrderStatus.COLLECTED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
}
