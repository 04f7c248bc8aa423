"""A small layered drawing of which rule feeds which: what a layout program would do, without one to install."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise

Edge = tuple[str, str]

ROW_HEIGHT, BOX_HEIGHT, LETTER, GAP, SWEEPS = 62.0, 26.0, 7.2, 16.0, 12


@dataclass(frozen=True)
class Box:
    """A rule in the drawing; x is its middle, y its upper edge. A box without a name is a bend of a long edge."""

    name: str
    layer: int
    x: float
    width: float

    @property
    def y(self) -> float:
        """Upper edge."""
        return self.layer * ROW_HEIGHT + 4


def reduced(edges: Iterable[Edge]) -> set[Edge]:
    """Edges without those that a longer way implies, and without a rule's edge to itself."""
    kept = {(a, b) for a, b in edges if a != b}
    after: dict[str, set[str]] = {}
    for a, b in kept:
        after.setdefault(a, set()).add(b)

    def reaches(start: str, end: str) -> bool:
        todo, seen = list(after[start] - {end}), set()
        while todo:
            node = todo.pop()
            if node == end:
                return True
            if node not in seen:
                seen.add(node)
                todo += after.get(node, ())
        return False

    return {(a, b) for a, b in kept if not reaches(a, b)}


def layers(edges: set[Edge]) -> dict[str, int]:
    """Every rule below all that it takes up; no further down than that needs."""
    depth = dict.fromkeys(sorted({name for edge in edges for name in edge}), 0)
    for _ in depth:
        for a, b in sorted(edges):
            depth[b] = max(depth[b], depth[a] + 1)
    if any(depth[a] >= depth[b] for a, b in edges):
        raise ValueError("the rules feed each other in a circle")
    return depth


def _with_bends(edges: set[Edge], depth: dict[str, int]) -> tuple[list[Edge], dict[Edge, list[str]]]:
    """Edges from one layer to the next, through bends that are added to `depth`, and the way of each edge."""
    short, ways = [], {}
    for a, b in sorted(edges):
        way = [a, *(f"\0{a}\0{b}\0{i}" for i in range(depth[a] + 1, depth[b])), b]
        depth |= {bend: depth[a] + 1 + i for i, bend in enumerate(way[1:-1])}
        short += list(pairwise(way))
        ways[a, b] = way
    return short, ways


def _ordered(short: list[Edge], depth: Mapping[str, int]) -> list[list[str]]:
    """Names by layer, each layer by the mean place of what its names are linked to, swept down and up."""
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in sorted(depth):
        rows[depth[name]].append(name)
    before: dict[str, list[str]] = {name: [] for name in depth}
    after: dict[str, list[str]] = {name: [] for name in depth}
    for a, b in short:
        before[b].append(a)
        after[a].append(b)
    for sweep in range(SWEEPS):
        linked, sequence = (before, rows) if sweep % 2 == 0 else (after, rows[::-1])
        place = {name: (i + 0.5) / len(row) for row in rows for i, name in enumerate(row)}
        for row in sequence:
            mean = {n: sum(place[m] for m in linked[n]) / len(linked[n]) if linked[n] else place[n] for n in row}
            row.sort(key=lambda name, mean=mean: (mean[name], name))  # type: ignore[misc]
            place |= {name: (i + 0.5) / len(row) for i, name in enumerate(row)}
    return rows


def layout(edges: Iterable[Edge], labels: Mapping[str, str]) -> tuple[list[Box], list[list[Box]], float]:
    """Boxes of the rules, the way of each edge from box to box, and the width of it all."""
    kept = reduced(edges)
    depth = layers(kept) | {name: 0 for name in labels if name not in {n for edge in kept for n in edge}}
    short, ways = _with_bends(kept, depth)
    rows = _ordered(short, depth)
    width_of = {name: 8.0 if name not in labels else LETTER * len(labels[name]) + 18 for name in depth}
    row_widths = [sum(width_of[n] for n in row) + GAP * (len(row) - 1) for row in rows]
    widest, boxes = max(row_widths, default=0.0), {}
    for i, (row, row_width) in enumerate(zip(rows, row_widths, strict=True)):
        x = (widest - row_width) / 2
        for name in row:
            boxes[name] = Box(name if name in labels else "", i, x + width_of[name] / 2, width_of[name])
            x += width_of[name] + GAP
    return [b for b in boxes.values() if b.name], [[boxes[n] for n in way] for way in ways.values()], widest


def _path(way: list[Box]) -> str:
    """A smooth line through the bends of an edge, from the lower side of a box to the upper side of another."""
    x, y = way[0].x, way[0].y + BOX_HEIGHT
    parts = [f"M{x:.1f},{y:.1f}"]
    for box in way[1:]:
        middle = (y + box.y) / 2
        parts.append(f"C{x:.1f},{middle:.1f} {box.x:.1f},{middle:.1f} {box.x:.1f},{box.y:.1f}")
        x, y = box.x, box.y
        if not box.name:
            y += BOX_HEIGHT
            parts.append(f"V{y:.1f}")
    return "".join(parts)


def draw(edges: Iterable[Edge], labels: Mapping[str, str], description: str) -> str:
    """The graph as an svg element; `labels` has what each box says."""
    boxes, ways, width = layout(edges, labels)
    height = max((box.y for box in boxes), default=0.0) + BOX_HEIGHT + 4
    lines = "".join(f'<path d="{_path(way)}"/>' for way in ways)
    drawn = "".join(
        f'<rect x="{b.x - b.width / 2:.1f}" y="{b.y:.1f}" width="{b.width:.1f}" height="{BOX_HEIGHT:g}" rx="4"/>'
        f'<text x="{b.x:.1f}" y="{b.y + 17:.1f}">{escape(labels[b.name])}</text>'
        for b in boxes
    )
    return (
        f'<svg class="rules" viewBox="-4 0 {width + 8:.1f} {height:.1f}" width="{width + 8:.0f}" role="img" '
        f'aria-label="{escape(description)}"><g class="edges">{lines}</g>{drawn}</svg>'
    )
