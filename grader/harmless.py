"""Makes strangers' text, markdown and pictures harmless before they stand in a page or a terminal.

Two walls stand in every page: only what is on the lists below passes here, and the page's Content-Security-Policy
(`templates/page.html.j2`) lets a browser run and fetch nothing.
"""

from __future__ import annotations

import base64
import json
import keyword
import re
from functools import lru_cache
from html import escape

from bleach.sanitizer import Cleaner  # type: ignore[import-untyped]
from markupsafe import Markup
from nbconvert.filters.ansi import strip_ansi
from nbconvert.filters.markdown_mistune import InvalidNotebook, IPythonRenderer, MarkdownWithMath

TEXT = {"a", "abbr", "b", "br", "cite", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "samp", "small"}
TEXT |= {"span", "strong", "sub", "sup", "u"}
BLOCKS = {"blockquote", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6"}
BLOCKS |= {"hr", "img", "li", "ol", "p", "pre", "summary", "ul"}
TABLES = {"caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
SIGNATURES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff"}
_ALSO = "\n\t\u200c\u200d"  # besides what Python calls printable; the joiners belong to words and emoji
PIXELS = 40_000_000  # of one picture: a small file may unpack to more memory than a browser has
_GRAFTED = re.compile(r"&lt;(?=[a-zA-Z/!?])")
_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_CLASS = re.compile(
    r"highlight|math|[a-z]{1,2}\d?"
)  # ours and the highlighter's: none that draws a frame of the page's
_DECLARATION = re.compile(
    r"\s*(text-align|border-left|padding-left|margin|line-height|list-style)\s*:\s*([\w\s.#%-]+)"  # no url(…)
)


_TOKEN = re.compile(  # what is not closed ends with its line, or with the text: every character is looked at once
    r"""(?P<c>\#[^\n]*)
    | (?P<s>(?:\b[bfruBFRU]{1,2})?(?:\"{3}(?:\\.|[^\\])*?(?:\"{3}|\Z) | '{3}(?:\\.|[^\\])*?(?:'{3}|\Z)
                       | "(?:\\.|[^\\"\n])*"? | '(?:\\.|[^\\'\n])*'?))
    | (?P<n>\b\d[\w.]*)
    | (?P<k>\b(?:KEYWORDS)\b)""".replace("KEYWORDS", "|".join(keyword.kwlist)),
    re.VERBOSE | re.DOTALL,
)


def name(text: str) -> str:
    """A name chosen by a stranger, on one line and visible: what a terminal or a browser would obey is written out.

    >>> name("\\x1b[31mEve\\u202e")
    '\\\\x1b[31mEve\\\\u202e'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def plain(text: str, limit: int) -> str:
    """Printed text without control sequences, cut at `limit` characters; of a rewritten line the last state.

    >>> plain("\\x1b[31mred\\x1b[0m\\n10 %\\r20 %", 100)
    'red\\n20 %'
    """
    rest = len(text) - limit
    lines = strip_ansi(text[:limit]).split("\n")  # type: ignore[no-untyped-call]
    kept = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
    if not kept.replace("\n", "").isprintable():
        kept = "".join(c if c.isprintable() or c in _ALSO else "\N{REPLACEMENT CHARACTER}" for c in kept)
    return kept if rest <= 0 else f"{kept}\n… {rest} more characters are not shown"


def code(text: str) -> Markup:
    """Python as HTML, its strings, comments, numbers and keywords set apart.

    >>> code("return '<b>'  # x")
    Markup('<pre class="code"><b>return</b> <i class="s">&#x27;&lt;b&gt;&#x27;</i>  <i class="c"># x</i></pre>')
    """
    parts, end = [], 0
    for match in _TOKEN.finditer(text):
        tag = "b" if match.lastgroup == "k" else f'i class="{match.lastgroup}"'
        parts += [escape(text[end : match.start()]), f"<{tag}>", escape(match[0]), f"</{tag[0]}>"]
        end = match.end()
    return Markup('<pre class="code">' + "".join([*parts, escape(text[end:])]) + "</pre>")


def theirs(text: str) -> Markup:
    """A student's markdown as HTML: of raw HTML in it the text, which the graft's escapes stood for in formulas too."""
    return _render(_GRAFTED.sub("<", text), _Theirs())


@lru_cache(maxsize=1000)  # the same in everyone's notebook
def ours(text: str, attachments: str = "{}") -> Markup:
    """An instructor's markdown as HTML; `attachments` are the cell's pictures as JSON."""
    return _render(text, _Renderer(json.loads(attachments)))


@lru_cache(maxsize=1000)
def fragment(markup: str) -> Markup:
    """HTML without what is not on the lists, every tag closed."""
    return Markup(_CLEANER.clean(markup))


def picture(kind: str, data: str) -> Markup | None:
    """A PNG or JPEG in base64 as an `img`, if it is one."""
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        return None
    if not content.startswith(SIGNATURES[kind]) or (kind == "png" and _pixels(content) > PIXELS):
        return None
    source = base64.b64encode(content).decode("ascii")
    return Markup('<img alt="picture made by this cell" src="data:image/{};base64,{}">').format(kind, source)


def _pixels(png: bytes) -> int:
    return int.from_bytes(png[16:20]) * int.from_bytes(png[20:24])


class _Renderer(IPythonRenderer):
    """Markdown whose formulas stay text, set apart: a page that loads nothing has no typesetter."""

    def __init__(self, attachments: dict[str, dict[str, str]] | None = None) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, attachments=attachments)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        try:
            return str(super().image(text, url, title))
        except InvalidNotebook:  # an attachment that did not come along
            return escape(f"[{text}]")

    def inline_math(self, body: str) -> str:
        return f'<span class="math">${escape(body)}$</span>'

    def block_math(self, body: str) -> str:
        return f'<span class="math">$${escape(body)}$$</span>'

    def latex_environment(self, name: str, body: str) -> str:
        return f'<span class="math">\\begin{{{escape(name)}}}{escape(body)}\\end{{{escape(name)}}}</span>'


class _Theirs(_Renderer):
    """Raw HTML is shown, not used; a block of code is not highlighted, for its author would choose the lexer."""

    def inline_html(self, html: str) -> str:
        return escape(html)

    def block_html(self, html: str) -> str:
        return f"<p>{escape(html)}</p>"

    def block_code(self, code: str, info: str | None = None) -> str:
        return f"<pre><code>{escape(code)}</code></pre>"


def _render(text: str, renderer: _Renderer) -> Markup:
    try:
        return Markup(_CLEANER.clean(MarkdownWithMath(renderer=renderer).render(text)))
    except Exception:
        return Markup("<pre>{}</pre>").format(text)


def _allowed(tag: str, attribute: str, value: str) -> bool:
    match tag, attribute:
        case ("a", "href"):
            return bool(_LINK.match(value))
        case ("img", "src"):
            return bool(_PICTURE.fullmatch(value))
        case ("img", "width" | "height") | ("td" | "th", "colspan" | "rowspan") | ("ol", "start"):
            return bool(re.fullmatch(r"\d{1,4}%?", value))
        case (_, "class"):
            return bool(_CLASS.fullmatch(value))
    return attribute in {"alt", "title", "lang", "style", "aria-hidden", "open"}


class _Styles:
    """The few declarations that a table of markdown's or a check's report needs."""

    def sanitize_css(self, style: str) -> str:
        found = (_DECLARATION.fullmatch(declaration) for declaration in style.split(";"))
        return "; ".join(f"{match[1]}: {match[2].strip()}" for match in found if match)


_CLEANER = Cleaner(
    tags=TEXT | BLOCKS | TABLES,
    attributes=_allowed,
    protocols={"http", "https", "mailto", "data"},
    strip=True,
    css_sanitizer=_Styles(),
)
