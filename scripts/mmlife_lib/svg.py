"""svg - plots as SVG text: scatter with lines, horizontal bars, time lines. Pure functions.

Owns: axes, ticks, scales. Not here: colours and fonts (the style sheet in page.py names classes:
    axis, grid, label, s0..s5 for series, band and its kinds for blocks of time lines).
Idea: a fixed view box that the page scales; text is at least 11 units of a 480 unit wide picture,
    so that it stays readable on a phone.
"""

import math
from html import escape

WIDTH, HEIGHT = 480, 280
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 14, 44
BAR = 22
BAND, BAND_LEFT = 17, 112    # a row of time lines; room for its label
LABEL_CHARS = 32
NR_SERIES = 6


def number(value):
    """Short text of a number: 1234567.8 is 1.23M, 32768 stays."""
    size = abs(value)
    if size < 1e6 and float(value).is_integer():
        return str(int(value))
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            scaled = value / (1e3 if suffix == "k" else limit)
            return f"{scaled:.3g}{suffix}"
    if size and size < 0.01:
        return f"{value:.1e}"
    return f"{value:.4g}"


class Scale:
    """Maps values to pixels, linearly or by logarithm, and knows good ticks."""

    def __init__(self, values, start, end, log):
        self.low, self.high = min(values), max(values)
        self.log = log
        if not log:
            self.low = min(self.low, 0.0)
            if self.low == self.high:
                self.high = self.low + 1.0
        elif self.low == self.high:
            self.low, self.high = self.low / 2, self.high * 2
        self.start, self.end = start, end

    def at(self, value):
        if self.log:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self):
        return self._log_ticks() if self.log else self._linear_ticks()

    def _linear_ticks(self):
        raw = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(raw))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [i * step for i in range(first, last + 1)]

    def _log_ticks(self):
        low, high = math.floor(math.log2(self.low)), math.ceil(math.log2(self.high))
        step = max(1, math.ceil((high - low) / 6))
        return [2.0 ** e for e in range(low, high + 1, step)
                if self.low * 0.999 <= 2.0 ** e <= self.high * 1.001]


def _text(x, y, text, anchor="middle", extra=""):
    return (f'<text class="label" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>'
            f"{escape(str(text))}</text>")


def _frame(x_scale, y_scale, x_label, y_label):
    parts = []
    for tick in x_scale.ticks():
        x = x_scale.at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}"'
                     f' y2="{HEIGHT - BOTTOM}"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 15, number(tick)))
    for tick in y_scale.ticks():
        y = y_scale.at(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}"'
                     f' y2="{y:.1f}"/>')
        parts.append(_text(LEFT - 5, y + 4, number(tick), "end"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_label))
    parts.append(_text(13, middle, y_label, extra=f' transform="rotate(-90 13 {middle:.1f})"'))
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    return parts


def _open(title, height):
    return (f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
            f"<title>{escape(title)}</title>")


def wide(values):
    """Whether @values want a logarithmic scale: all above zero, spread over 16 times or more."""
    return min(values) > 0 and max(values) / min(values) >= 16


def scatter(title, x_label, y_label, series, line=None):
    """A plot of @series, a list of (name, [(x, y), ...]); @line is (slope, intercept) or None.

    With a line both axes are linear, else x is logarithmic when its values spread widely.
    """
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    log = line is None and wide(xs)
    x_scale = Scale(xs, LEFT, WIDTH - RIGHT - 8, log)
    y_scale = Scale(ys, HEIGHT - BOTTOM, TOP + 6, False)
    parts = [_open(title, HEIGHT)] + _frame(x_scale, y_scale, x_label, y_label)
    if line:
        slope, intercept = line
        ends = [max(x_scale.low, min(xs)), x_scale.high]
        path = "L".join(f"{x_scale.at(x):.1f} {y_scale.at(slope * x + intercept):.1f}"
                        for x in ends)
        parts.append(f'<path class="fit" d="M{path}"/>')
    for index, (name, points) in enumerate(series):
        style = f"s{index % NR_SERIES}"
        places = [(x_scale.at(x), y_scale.at(y)) for x, y in sorted(points)]
        if line is None:
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
            parts.append(f'<path class="line {style}" d="M{path}"/>')
        for (x, y), (vx, vy) in zip(places, sorted(points)):
            parts.append(f'<circle class="dot {style}" cx="{x:.1f}" cy="{y:.1f}" r="3.5">'
                         f"<title>{escape(name)} {number(vx)}: {number(vy)}</title></circle>")
    return "".join(parts) + "</svg>"


def bars(title, rows):
    """Horizontal bars of @rows, a list of (label, value, text); values are not negative."""
    top = max(value for _, value, _ in rows) or 1.0
    label_width = min(220, 14 + 6.6 * max(len(label) for label, _, _ in rows))
    room = WIDTH - label_width - 70
    parts = [_open(title, BAR * len(rows) + 8)]
    for index, (label, value, text) in enumerate(rows):
        y = 4 + BAR * index
        width = max(1.0, room * value / top)
        short = label if len(label) <= LABEL_CHARS else label[:LABEL_CHARS - 1] + "\u2026"
        parts.append(_text(label_width - 6, y + 14, short, "end"))
        parts.append(f'<rect class="bar" x="{label_width:.1f}" y="{y + 3}" width="{width:.1f}"'
                     f' height="{BAR - 7}"><title>{escape(label)}: {escape(text)}</title></rect>')
        parts.append(_text(label_width + width + 5, y + 14, text, "start"))
    return "".join(parts) + "</svg>"


def bands(title, x_label, rows, end):
    """Time lines: @rows is a list of (label, [(start, end, text, style)]), time runs 0 to @end."""
    bottom = 4 + BAND * len(rows)
    scale = Scale([0, max(end, 1)], BAND_LEFT, WIDTH - RIGHT, False)
    parts = [_open(title, bottom + 36)]
    for tick in scale.ticks():
        x = scale.at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="4" x2="{x:.1f}" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 13, number(tick)))
    parts.append(_text((BAND_LEFT + WIDTH - RIGHT) / 2, bottom + 29, x_label))
    for index, (label, blocks) in enumerate(rows):
        y = 4 + BAND * index
        parts.append(_text(BAND_LEFT - 5, y + 12, label, "end"))
        for start, stop, text, style in blocks:
            x, width = scale.at(start), max(0.8, scale.at(stop) - scale.at(start))
            parts.append(f'<rect class="band {style}" x="{x:.1f}" y="{y + 1}" width="{width:.1f}"'
                         f' height="{BAND - 3}"><title>{escape(text)}: {number(start)} to'
                         f" {number(stop)}</title></rect>")
            if width > 7 * len(text) and text != label:
                parts.append(_text(x + width / 2, y + 12, text, extra=' style="fill:var(--fg)"'))
    return "".join(parts) + "</svg>"
