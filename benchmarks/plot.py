# /// script
# requires-python = ">=3.11"
# dependencies = ["matplotlib>=3.10,<4"]
# ///
"""Plots the CPU time of each operation from `results.json`: `uv run benchmarks/plot.py`."""

import json
from pathlib import Path

from matplotlib import pyplot as plt

HERE = Path(__file__).parent
TITLES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
SERVERS = {
    "floor": "#b8c4ce",
    "plain": "#7a95ad",
    "plain, access log": "#4d6f8d",
    "defaults": "#e07b39",
    "everything": "#a8501b",
}
WIDTH = 0.16


def main() -> None:
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    databases = [name for name in TITLES if name in results]
    if not databases:
        return
    figure, axes = plt.subplots(
        len(databases), squeeze=False, figsize=(10, 4 * len(databases)), layout="constrained"
    )
    for axis, database in zip(axes[:, 0], databases, strict=True):
        values = results[database]["values"]
        for number, (server, color) in enumerate(SERVERS.items()):
            bars = [
                (index + (number - 2) * WIDTH, measured[server]["cpu"] / measured["plain"]["cpu"])
                for index, measured in enumerate(values.values())
                if server in measured
            ]
            axis.bar(*zip(*bars, strict=True), WIDTH, label=server, color=color)
        axis.axhline(1, color="black", linewidth=0.6)
        axis.set_xticks(range(len(values)), values)
        axis.set_title(f"CPU time of a request on {TITLES[database]}, relative to plain")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].legend(frameon=False, ncols=5)
    figure.savefig(HERE / "results.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
