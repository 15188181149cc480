"""Labels per second against bare ReportLab drawing of the same page, in one run.

    python benchmarks/labels.py [--labels 1000]

The bare side draws the same elements at fixed positions straight onto a canvas: ReportLab's
Code 128 widget, one path for the QR code, and text whose lines somebody broke before. It has no
model, no masking, no fitting, no check of glyphs. A second bare side borrows our barcode paths, so
that what is left is the price of the model and the checks.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime

import segno
from reportlab.graphics.barcode.code128 import Code128Auto
from reportlab.pdfgen.canvas import Canvas

from tidegate.documents.barcodes import code128, qr
from tidegate.documents.batch import print_labels
from tidegate.documents.fonts import bold, regular
from tidegate.documents.label import HEIGHT, WIDTH, Label, LabelItem, Party
from tidegate.documents.sheet import MM

ROUNDS = 3
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"
ROADS = ("文一西路", "中山北路", "解放大道", "人民南路", "创业园路")
FLOOR = 0.7  # of the bare drawing's speed


def label(index: int) -> Label:
    surname, road = SURNAMES[index % 20], ROADS[index % 5]
    return Label(
        waybill_no=f"SF{1234567890123 + index}",
        carrier="顺丰速运",
        service="标准快递",
        sort_code=f"571WA-{index % 1000:03}-B12",
        recipient=Party(
            f"{surname}晓敏",
            f"138{index % 10**8:08}",
            "浙江省杭州市余杭区",
            f"仓前街道{road}{index % 900}号西溪园区{index % 30}幢{index % 6}单元{index % 2000}室",
        ),
        sender=Party(
            "潮汐优选", "13987654321", "广东省深圳市龙华区", "民治街道梅龙路88号东仓2号门"
        ),
        order_no=f"2811223344{index:09}",
        shop="潮汐优选旗舰店",
        items=(
            LabelItem("TG-CUP-350-BL", "双层真空不锈钢保温杯", 2, "350ml 雾霾蓝"),
            LabelItem("TG-TEA-02", "明前龙井茶礼盒装", 1, "250g"),
        ),
        weight_g=1240,
        printed_at=datetime(2026, 11, 10, 18, 3, tzinfo=UTC),
        note="请送货上门, 勿放快递柜",
        packaging=("易碎",),
        sequence=f"{index + 1}/1000",
    )


def ours(count: int) -> bytes:
    out = io.BytesIO()
    result = print_labels(map(label, range(count)), out)
    assert len(result.printed) == count, result.problems[:1]
    return out.getvalue()


def bare(count: int, *, our_codes: bool) -> bytes:
    """The same pages drawn by hand; the masked texts are simply written down."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH * MM, HEIGHT * MM), pageCompression=1, invariant=1)
    for index in range(count):
        draw_frame(canvas)
        draw_texts(canvas, index)
        (draw_our_codes if our_codes else draw_codes)(canvas, f"SF{1234567890123 + index}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def draw_frame(canvas: Canvas) -> None:
    canvas.rect(8.5, 8.5, 266.5, 408.2)
    for y in (388, 340, 283, 207, 168, 93):
        canvas.line(8.5, y, 275, y)
    for x, low, high in ((37, 168, 283), (212, 93, 168), (212, 8.5, 93)):
        canvas.line(x, low, x, high)
    canvas.line(14, 21, 105, 21)
    canvas.line(113, 21, 207, 21)
    canvas.rect(8.5, 207, 28.3, 76.5, fill=1)
    canvas.rect(218, 394, 52, 17, fill=1)
    canvas.rect(184, 394, 30, 17)
    canvas.rect(12, 96, 197, 12)


def draw_texts(canvas: Canvas, index: int) -> None:
    strong, plain = bold().name, regular().name
    surname, road = SURNAMES[index % 20], ROADS[index % 5]
    write(canvas, 14, 396, strong, 17, "顺丰速运")
    write(canvas, 188, 399, strong, 11, "易碎")
    write(canvas, 30, 350, strong, 38, f"571WA-{index % 1000:03}-B12")
    write(canvas, 95, 287, strong, 11.5, f"SF{1234567890123 + index}")
    write(canvas, 42, 265, strong, 15, f"{surname}**  138******{index % 100:02}")
    write(canvas, 42, 244, strong, 13.5, "浙江省杭州市余杭区 仓前街道文一")
    write(canvas, 42, 228, strong, 13.5, f"{road}***号西溪园区**幢*单元")
    write(canvas, 42, 212, strong, 13.5, "****室")
    write(canvas, 42, 195, plain, 9, "潮汐**  139******21")
    write(canvas, 42, 182, plain, 8.5, "广东省深圳市龙华区 民治街道梅龙路**号东仓*号门")
    write(canvas, 14, 157, strong, 7.5, "内件")
    write(canvas, 40, 157, plain, 7.5, "2 种 3 件")
    write(canvas, 165, 157, plain, 7.5, "重量 1.24 kg")
    write(canvas, 14, 147, strong, 7.5, "TG-CUP-350-BL")
    write(canvas, 75, 147, plain, 7.5, "双层真空不锈钢保温杯 [350ml 雾霾蓝]")
    write(canvas, 197, 147, strong, 7.5, "×2")
    write(canvas, 14, 137, strong, 7.5, "TG-TEA-02")
    write(canvas, 60, 137, plain, 7.5, "明前龙井茶礼盒装 [250g]")
    write(canvas, 197, 137, strong, 7.5, "×1")
    write(canvas, 16, 99, strong, 7, "备注: 请送货上门, 勿放快递柜")
    write(canvas, 14, 82, plain, 7.5, f"订单 2811223344{index:09}")
    write(canvas, 14, 72, plain, 7.5, "店铺 潮汐优选旗舰店")
    write(canvas, 130, 72, plain, 7.5, "打印 2026-11-11 02:03")
    write(canvas, 230, 48, strong, 28, str(index + 1))
    write(canvas, 230, 33, plain, 11, "/ 1000")
    write(canvas, 230, 99, plain, 6, "运单号")
    write(canvas, 230, 82, plain, 6, "批内序号")
    write(canvas, 14, 35, plain, 7, "签收人")
    write(canvas, 113, 35, plain, 7, "签收时间")
    write(canvas, 14, 13, plain, 5, "签字即确认收到本件。个人信息已按 GB/T 41833 隐去。")
    write(canvas, 22, 175, strong, 16, "寄")
    canvas.setFillGray(1)
    write(canvas, 222, 399, strong, 11, "标准快递")
    write(canvas, 12, 237, strong, 22, "收")
    canvas.setFillGray(0)


def write(canvas: Canvas, x: float, y: float, font: str, size: float, text: str) -> None:
    canvas.setFont(font, size)
    canvas.drawString(x, y, text)


def draw_codes(canvas: Canvas, number: str) -> None:
    Code128Auto(number, barWidth=1.063, barHeight=35.4, quiet=0).drawOn(canvas, 40, 299)
    matrix = segno.make(number, micro=False, error="m").matrix
    path = canvas.beginPath()
    for row, modules in enumerate(matrix):
        for column, dark in enumerate(modules):
            if dark:
                path.rect(217 + column * 2.48, 108 + (20 - row) * 2.48, 2.48, 2.48)
    canvas.drawPath(path, stroke=0, fill=1)


def draw_our_codes(canvas: Canvas, number: str) -> None:
    canvas.addLiteral(f"q 1.063 0 0 35.4 40 299 cm {code128(number)[0]} Q")
    canvas.addLiteral(f"q 2.48 0 0 2.48 217 108 cm {qr(number)[0]} Q")


def best(draw: Callable[[], bytes], count: int) -> float:
    """Labels per second of the fastest of some rounds: the others waited for somebody else."""
    speeds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        draw()
        speeds.append(count / (time.perf_counter() - started))
    return max(speeds)


def main() -> None:
    parser = argparse.ArgumentParser(description="labels per second against bare ReportLab")
    parser.add_argument("--labels", type=int, default=1000)
    count = parser.parse_args().labels
    ours(1)  # the fonts are read once per process
    size = len(ours(count)) / count
    by_hand = best(lambda: bare(count, our_codes=False), count)
    with_paths = best(lambda: bare(count, our_codes=True), count)
    speed = best(lambda: ours(count), count)
    print(f"tidegate                     {speed:7.0f} labels/s   {size:.0f} bytes per label")
    print(f"bare, widget and rectangles  {by_hand:7.0f} labels/s   ratio {speed / by_hand:.2f}")
    print(
        f"bare, our barcode paths      {with_paths:7.0f} labels/s   ratio {speed / with_paths:.2f}"
    )
    if min(speed / by_hand, speed / with_paths) < FLOOR:
        raise SystemExit(f"slower than {FLOOR} of bare drawing")


if __name__ == "__main__":
    main()
