"""One PDF of pages from several: our drawn labels and those that carriers gave, in the order of the batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tidegate.documents.label import HEIGHT, WIDTH
from tidegate.documents.sheet import MM
from tidegate.errors import InputError

DRAWN, PDF, PNG = "drawn", "pdf", "png"


def merged(drawn: bytes, parts: Iterable[tuple[str, bytes]]) -> bytes:
    """`parts` in order: `drawn` takes the next page of ours, `pdf` and `png` bring their content. Pages keep their
    sizes; a picture fills one of our labels.

    Raises:
        InputError: code label.unreadable: a part is no PDF or picture.
    """
    ours = iter(_pages(drawn) if drawn else ())
    writer = PdfWriter()
    for kind, content in parts:
        if kind == DRAWN:
            writer.add_page(next(ours))
            continue
        for page in _pages(content if kind == PDF else _page_of(content)):
            writer.add_page(page)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def check_printable(kind: str, content: bytes) -> None:
    """Raises InputError when it can't be put on paper: better found when it comes than at the printer."""
    if kind == PDF and not list(_pages(content)):
        raise _unreadable()
    if kind == PNG:
        _page_of(content)


def _pages(content: bytes) -> Iterator[PageObject]:
    try:
        yield from list(PdfReader(BytesIO(content)).pages)
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable() from error


def _page_of(png: bytes) -> bytes:
    out = BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH * MM, HEIGHT * MM), invariant=1)
    try:
        canvas.drawImage(
            ImageReader(BytesIO(png)), 0, 0, WIDTH * MM, HEIGHT * MM, preserveAspectRatio=True
        )
    except Exception as error:  # whatever the picture library makes of it
        raise _unreadable() from error
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _unreadable() -> InputError:
    return InputError(
        "label.unreadable",
        zh="快递给的面单文件打不开；请把账号设置 labels 改为 own，或联系快递重新生成。",
        en="The carrier's label can't be opened; set the account's `labels` to own, or have the carrier make it again.",
    )
