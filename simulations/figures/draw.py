"""Curves and marks as SVG, without a library: the same bytes everywhere."""

from __future__ import annotations

from html import escape

import msgspec

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 176, 40, 52
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's colours, which people with any colour vision can tell apart."""

Point = tuple[float, float]


class Curve(msgspec.Struct):
    """A line through ``points``, and ``marks`` of the same colour."""

    name: str
    points: list[Point]
    marks: list[Point]


class Figure(msgspec.Struct):
    """Curves over two linear axes. ``ticks``: the values that get a number; ``meaning``: of lines and marks."""

    title: str
    x_title: str
    y_title: str
    x_ticks: list[float]
    y_ticks: list[float]
    curves: list[Curve]
    meaning: tuple[str, str] = ("line: measured here", "mark: published")


def cumulative(values: list[float], upto: float, steps: int = 200) -> list[Point]:
    """The cumulative distribution of sorted values as (value, share), cut off at ``upto``."""
    total = len(values)
    ranks = sorted({max(1, round(total * step / steps)) for step in range(steps + 1)})
    return [(values[rank - 1], rank / total) for rank in ranks if values[rank - 1] <= upto]


def svg(figure: Figure) -> str:
    """The figure as one SVG document."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12"><title>{escape(figure.title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, TOP - 16, figure.title, size=14),
        *axes(figure),
    ]
    for number, curve in enumerate(figure.curves):
        parts += drawn(figure, curve, COLOURS[number % len(COLOURS)], number)
    y = TOP + 20 * len(figure.curves) + 8
    parts += [
        text(WIDTH - RIGHT + 16, y + 16, figure.meaning[0], fill="#555"),
        text(WIDTH - RIGHT + 16, y + 32, figure.meaning[1], fill="#555"),
    ]
    return "\n".join([*parts, "</svg>", ""])


def place(figure: Figure, point: Point) -> Point:
    """Where a point of the axes lies on the paper."""
    (x0, x1), (y0, y1) = ends(figure.x_ticks), ends(figure.y_ticks)
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return (
        LEFT + wide * (point[0] - x0) / (x1 - x0),
        TOP + high * (1 - (point[1] - y0) / (y1 - y0)),
    )


def ends(ticks: list[float]) -> Point:
    return ticks[0], ticks[-1]


def axes(figure: Figure) -> list[str]:
    """The grid, its numbers and the titles of the axes."""
    (x0, x1), (y0, y1) = ends(figure.x_ticks), ends(figure.y_ticks)
    parts = []
    for tick in figure.x_ticks:
        x, y = place(figure, (tick, y0))
        parts += [
            line((x, y), place(figure, (tick, y1)), "#ddd"),
            text(x, y + 18, f"{tick:g}", anchor="middle"),
        ]
    for tick in figure.y_ticks:
        x, y = place(figure, (x0, tick))
        parts += [
            line((x, y), place(figure, (x1, tick)), "#ddd"),
            text(x - 8, y + 4, f"{tick:g}", anchor="end"),
        ]
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts.append(text(middle, HEIGHT - 12, figure.x_title, anchor="middle"))
    height = TOP + (HEIGHT - TOP - BOTTOM) / 2
    parts.append(
        f'<text x="16" y="{height:.1f}" text-anchor="middle" transform="rotate(-90 16 {height:.1f})">'
        f"{escape(figure.y_title)}</text>"
    )
    return parts


def drawn(figure: Figure, curve: Curve, colour: str, number: int) -> list[str]:
    """One curve, its marks and its line in the legend."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(figure, point) for point in curve.points))
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    for mark in curve.marks:
        x, y = place(figure, mark)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="white" stroke="{colour}" stroke-width="2"/>'
        )
    x, y = WIDTH - RIGHT + 16, TOP + 20 * number + 8
    parts += [
        f'<line x1="{x}" y1="{y}" x2="{x + 20}" y2="{y}" stroke="{colour}" stroke-width="2"/>',
        text(x + 28, y + 4, curve.name),
    ]
    return parts


def line(begin: Point, end: Point, colour: str) -> str:
    return f'<line x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" stroke="{colour}"/>'


def text(x: float, y: float, words: str, anchor: str = "start", fill: str = "#222", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" font-size="{size}">'
        f"{escape(words)}</text>"
    )
