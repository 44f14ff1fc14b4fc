"""page - the frame of the report: style sheet, tables, escaping. Pure functions.

Invariant: nothing here refers to anything outside the page, so that it works offline; a browser
    that would fetch something is told not to.
"""

from html import escape

STYLE = """
:root{--fg:#1b1f24;--bg:#fff;--dim:#667;--line:#d5dae0;--head:#f1f4f7;--good:#1a7f37;--bad:#c62828;
--warn:#9a6700;--c0:#1f6feb;--c1:#d9480f;--c2:#2b8a3e;--c3:#9c36b5;--c4:#0b7285;--c5:#a61e4d}
@media(prefers-color-scheme:dark){:root{--fg:#dfe4ea;--bg:#14181d;--dim:#98a2ad;--line:#333b45;
--head:#1d232b;--good:#4ac26b;--bad:#ff7b72;--warn:#d4a72c;--c0:#58a6ff;--c1:#ff9c5b;--c2:#69db7c;
--c3:#da9df0;--c4:#66d9e8;--c5:#faa2c1}}
body{font:16px/1.45 system-ui,sans-serif;color:var(--fg);background:var(--bg);margin:0 auto;
max-width:64rem;padding:0 1rem 3rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
code,pre,td,th{font-family:ui-monospace,monospace;font-size:.85rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--head);padding:.6rem}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.3rem 0}
th,td{border:1px solid var(--line);padding:.15rem .5rem;text-align:left;vertical-align:top}
th{background:var(--head)}td.n{text-align:right}
.passed,.pass{color:var(--good)}.failed,.fail,.panic,.refused{color:var(--bad)}
.skipped{color:var(--warn)}.dim{color:var(--dim)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem}
figure{margin:0}figcaption{font-size:.85rem;color:var(--dim)}svg{width:100%;height:auto}
.label{font:11px system-ui,sans-serif;fill:var(--dim)}.grid{stroke:var(--line);stroke-width:.6}
.axis{stroke:var(--dim);fill:none}.fit{stroke:var(--dim);stroke-dasharray:5 3;fill:none}
.band{opacity:.75}.band.runs{fill:var(--c0)}.band.waits{fill:var(--bad)}
.band.holds{fill:var(--warn)}.band.window{fill:var(--c3)}.band.phase{fill:var(--c4)}
.line{fill:none;stroke-width:1.6}.bar{fill:var(--c0)}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}
.s4{stroke:var(--c4)}.s5{stroke:var(--c5)}
.dot{stroke-width:1}.dot.s0{fill:var(--c0)}.dot.s1{fill:var(--c1)}.dot.s2{fill:var(--c2)}
.dot.s3{fill:var(--c3)}.dot.s4{fill:var(--c4)}.dot.s5{fill:var(--c5)}
td.good{background:color-mix(in srgb,var(--good) 22%,transparent)}
td a{color:inherit}td.bad{background:color-mix(in srgb,var(--bad) 28%,transparent)}
td.soft{background:color-mix(in srgb,var(--warn) 25%,transparent)}
"""


class Html(str):
    """Text that is markup already; everything else is escaped on its way into the page."""


def text(value):
    """@value as markup."""
    return value if isinstance(value, Html) else escape(str(value))


def figures(value):
    """A number as people read it: digits grouped, no needless decimals."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace(",", "\u202f")
    return f"{value:,.3f}".replace(",", "\u202f")


def table(head, rows):
    """A table; numbers stand right. A cell may be a value or (value, class)."""
    parts = ['<div class="wide"><table><thead><tr>']
    parts += [f"<th>{text(cell)}</th>" for cell in head]
    parts.append("</tr></thead><tbody>")
    for row in rows:
        parts.append("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>")
    return Html("".join(parts) + "</tbody></table></div>")


def _cell(cell):
    value, style = cell if isinstance(cell, tuple) else (cell, "")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f'<td class="{("n " + style).strip()}">{figures(value)}</td>'
    attribute = f' class="{style}"' if style else ""
    return f"<td{attribute}>{text(value)}</td>"


def figure(svg, caption):
    return Html(f"<figure>{svg}<figcaption>{text(caption)}</figcaption></figure>")


def details(summary, body):
    return Html(f"<details><summary>{text(summary)}</summary>{body}</details>")


def document(title, body):
    """The whole page."""
    return ('<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
            " style-src 'unsafe-inline'\">"
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
            f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n")
