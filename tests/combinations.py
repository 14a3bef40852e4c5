"""The sets of answers that are proven; together they give every answer that there is to choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness import QUESTIONS, Answers

# What breaks a quoted string, a table of TOML, a line of YAML or a font.
HOSTILE_NAME = 'Bob\'s "Büro" \\ {{ project_slug }} # %s 🚀'
# As long as it may be, and as short: imports and signatures fold at different places.
LONG_PACKAGE = "a_package_whose_name_is_as_long_as_it_is"
SHORT_PACKAGE = "a"

COMBINATIONS: dict[str, Answers] = {
    "default": {},
    "sqlite-bare": {
        "example": False,
        "cors": False,
        "ci": "none",
        "package_name": LONG_PACKAGE,
    },
    "sqlite-envelope": {
        "error_format": "envelope",
        "project_name": HOSTILE_NAME,
        "project_description": HOSTILE_NAME,
        "cors_origins": "",
        "cors_origin_regex": r"https://preview-\d+\.example\.com",
    },
    "postgresql": {
        "database": "postgresql",
        "cors_origins": "http://localhost:3000,https://app.example.com",
        "cors_credentials": True,
        "error_tracking": "sentry",
        "package_name": SHORT_PACKAGE,
    },
    "postgresql-bare": {
        "database": "postgresql",
        "example": False,
        "cors": False,
        "error_format": "envelope",
        "package_name": LONG_PACKAGE,
        "project_name": "A" * 74,
        "project_description": "b" * 200,
    },
    "none": {
        "database": "none",
        "error_tracking": "sentry",
        "package_name": SHORT_PACKAGE,
        "project_description": "",
    },
    "none-bare": {
        "database": "none",
        "cors": False,
        "error_format": "envelope",
        "package_name": LONG_PACKAGE,
    },
    "python-3.11": {"python_version": "3.11"},
    "python-3.12": {"python_version": "3.12", "database": "postgresql"},
    "python-3.13": {"python_version": "3.13", "error_format": "envelope"},
    "python-3.14": {"python_version": "3.14"},
}

# Those that render every file of the template between them.
COVERING = ["default", "sqlite-bare", "sqlite-envelope", "postgresql", "none"]


def _listed(question: Mapping[str, Any]) -> list[Any]:
    if question["type"] == "bool":
        return [True, False]
    listed = question.get("choices", [])
    return [*(listed.values() if isinstance(listed, dict) else listed)]


# Every question that has a list of answers, with each of them.
CHOICES = [(name, answer) for name, question in QUESTIONS.items() for answer in _listed(question)]
