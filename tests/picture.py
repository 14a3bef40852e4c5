"""Draws the picture of the README: the files of a service beside the path of a request.

python tests/picture.py
"""

from __future__ import annotations

import tempfile
from html import escape
from pathlib import Path

from harness import TEMPLATE, copy_release

PICTURE = TEMPLATE / "docs/picture.svg"
WIDTH, LINE, STEP, TOP = 720, 19, 60, 54
# The steps of a request, with their files.
REQUEST = [
    ("request ID, security headers, access line", "api/middleware/request_context.py"),
    ("CORS headers, on errors too", "core/cors.py"),
    ("allowed hosts, cross-origin check", "api/middleware/request_guard.py"),
    ("your middleware", "extensions.py"),
    ("endpoint, with its session", "api/v1/items.py"),
    ("what the service does", "services/items.py"),
    ("the rows", "db/models/item.py"),
    ("commit, before the response is sent", "db/session.py"),
    ("response, or one error format", "api/errors.py"),
]
# The folders whose modules are listed.
EXPANDED = {"api/v1", "services", "schemas", "db", "db/models"}


def tree(package: Path, folder: Path, depth: int = 0) -> list[tuple[int, str]]:
    """The entries of a folder with their depth, folders first."""
    lines = []
    paths = sorted(folder.iterdir(), key=lambda path: (path.is_file(), path.name))
    for path in paths:
        if path.name.startswith("_"):
            continue
        if path.is_dir():
            lines += [(depth, f"{path.name}/"), *tree(package, path, depth + 1)]
        elif not depth or folder.relative_to(package).as_posix() in EXPANDED:
            lines.append((depth, path.name))
    return lines


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """A line of text in SVG."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def picture(service: Path) -> str:
    """The SVG for a service with the defaults."""
    package = service / "src/my_service"
    assert [path for _, path in REQUEST if not (package / path).is_file()] == []
    lines = [(0, "src/my_service/"), *((depth + 1, name) for depth, name in tree(package, package))]
    height = TOP + max(LINE * len(lines), STEP * len(REQUEST)) + 10
    parts = [text(24, 28, "The service", "head"), text(390, 28, "The path of a request", "head")]
    parts += [
        text(24 + 18 * depth, TOP + LINE * row, name, "mono")
        for row, (depth, name) in enumerate(lines)
    ]
    step = (height - TOP) / len(REQUEST)
    for number, (words, path) in enumerate(REQUEST):
        y = TOP - 14 + step * number
        parts.append(f'<rect x="390" y="{y:g}" width="306" height="{step - 16:g}" rx="6"/>')
        middle = y + (step - 16) / 2
        parts += [text(404, middle - 4, words), text(404, middle + 13, path, "mono")]
        if number + 1 < len(REQUEST):
            parts.append(f'<path d="M543 {y + step - 15:g}v10m-4-5l4 5l4-5"/>')
    style = (
        "text{font:13px sans-serif;fill:#1f2328}.head{font-weight:bold;font-size:15px}"
        ".mono{font-family:monospace;font-size:12px;fill:#57606a}"
        "rect{fill:#f6f8fa;stroke:#d0d7de}path{fill:none;stroke:#57606a}"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>Project layout and request flow</title>",
            f"<style>{style}</style>",
            f'<rect width="{WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>',
            *parts,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        service = copy_release(TEMPLATE, Path(folder) / "service", {}, "HEAD")
        PICTURE.write_text(picture(service), encoding="utf-8", newline="\n")
