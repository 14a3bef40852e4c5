"""Sign-in takes as long for an unknown address as for a wrong password."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from statistics import NormalDist

import pytest
from accounts import EMAIL, UNLIMITED, create_service, register
from databases import serving
from harness import Environments, Renders
from httpx2 import Client

# In the default run, a test of the services proves that a password is hashed in both cases.
pytestmark = [pytest.mark.slow, pytest.mark.nightly]

UNKNOWN = "grace@example.com"
REQUESTS = 40
# The probability that the test fails although the times are of one distribution.
ERROR_PROBABILITY = 0.001


def time_sign_in(client: Client, email: str) -> float:
    """The seconds that a sign-in with a wrong password takes."""
    body = {"email": email, "password": "a wrong password"}
    start = time.perf_counter()
    response = client.post("/api/v1/auth/sign-in", json=body)
    seconds = time.perf_counter() - start
    assert response.status_code == 401
    return seconds


def mann_whitney_p(first: Sequence[float], second: Sequence[float]) -> float:
    """The p-value of the two-sided Mann-Whitney U test, by its normal approximation.

    It compares ranks, so that a few slow requests do not matter.
    """
    pairs = len(first) * len(second)
    u = sum((a < b) + (a == b) / 2 for a in first for b in second)
    deviation = sqrt(pairs * (len(first) + len(second) + 1) / 12)
    return 2 * NormalDist().cdf(-abs(u - pairs / 2) / deviation)


def test_the_time_of_sign_in_does_not_reveal_whether_an_address_has_an_account(
    render: Renders, environments: Environments, tmp_path: Path
) -> None:
    answers = {"authentication": "sessions"}
    service = create_service(render, environments, tmp_path / "service", answers)
    service.variables |= UNLIMITED
    # In a random order, changes of the load of the machine affect both in the same way.
    emails = random.sample([EMAIL, UNKNOWN] * REQUESTS, 2 * REQUESTS)
    times: dict[str, list[float]] = {EMAIL: [], UNKNOWN: []}

    with serving(service) as client:
        register(service, client)
        for email in (EMAIL, UNKNOWN):
            time_sign_in(client, email)
        for email in emails:
            times[email].append(time_sign_in(client, email))

    assert mann_whitney_p(times[EMAIL], times[UNKNOWN]) > ERROR_PROBABILITY, times
