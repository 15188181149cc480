"""What one page shows, collected first and drawn afterwards, so that a parcel that fails leaves no
half page.

Coordinates are millimetres from the top left corner; the `y` of text is its baseline. Sizes of type
are points.
"""

from __future__ import annotations

from typing import Literal

from reportlab.pdfgen.canvas import Canvas

from tidegate.documents.fonts import bold, regular

MM = 72 / 25.4
Align = Literal["left", "right", "centre"]


class Sheet:
    """Marks and texts of one page of `height` mm."""

    def __init__(self, height: float) -> None:
        self._height = height
        self._marks: list[str] = []
        self._texts: list[tuple[str, float, float, float, bool, str]] = []

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        strong: bool = False,
        align: Align = "left",
        white: bool = False,
    ) -> None:
        """One line of covered text with its left end, right end or middle at `x`."""
        face = bold() if strong else regular()
        left = x * MM
        if align != "left":
            left -= face.width(text, size) / (1 if align == "right" else 2)
        for run_face, run in face.runs(text):
            self._texts.append((run_face.name, size, left, (self._height - y) * MM, white, run))
            if run is not text:
                left += run_face.width(run, size)

    def line(self, x1: float, y1: float, x2: float, y2: float, width: float = 0.15) -> None:
        height = self._height
        self._marks.append(
            f"{width * MM:.3f} w {x1 * MM:.3f} {(height - y1) * MM:.3f} m "
            f"{x2 * MM:.3f} {(height - y2) * MM:.3f} l S"
        )

    def box(
        self,
        x: float,
        y: float,
        wide: float,
        high: float,
        *,
        fill: bool = False,
        width: float = 0.15,
    ) -> None:
        """A rectangle hanging from (x, y): black, or an outline of `width` mm."""
        self._marks.append(
            f"{width * MM:.3f} w {x * MM:.3f} {(self._height - y - high) * MM:.3f} "
            f"{wide * MM:.3f} {high * MM:.3f} re {'f' if fill else 'S'}"
        )

    def path(self, x: float, y: float, path: str, unit_x: float, unit_y: float) -> None:
        """Operators in units of `unit_x` by `unit_y` mm, with the path's origin (lower left) at (x,
        y).
        """
        self._marks.append(
            f"q {unit_x * MM:.4f} 0 0 {unit_y * MM:.4f} {x * MM:.3f} "
            f"{(self._height - y) * MM:.3f} cm {path} Q"
        )

    def draw(self, canvas: Canvas) -> None:
        """Put everything onto the canvas's current page."""
        canvas.addLiteral("\n".join(self._marks))
        text = canvas.beginText()
        was_white = False
        for name, size, x, y, white, line in self._texts:
            if white != was_white:
                text.setFillGray(1 if white else 0)
                was_white = white
            text.setFont(name, size)
            text.setTextOrigin(x, y)
            text.textLine(line)  # textOut would measure what is measured already
        if was_white:
            text.setFillGray(0)
        canvas.drawText(text)
