"""What strangers wrote becomes text, a short list of tags, or nothing."""

import base64
import zlib
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import harmless

PNG = base64.b64encode(harmless.SIGNATURES["png"] + b"\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01" + bytes(20)).decode("ascii")
HOSTILE = [
    "<script>pwned()</script>",
    "<img src=x onerror=pwned()>",
    "<svg onload=pwned()>",
    "<iframe src=//evil.test>",
    "<object data=//evil.test>",
    "<style>@import '//evil.test'</style>",
    "<meta http-equiv=refresh content=0>",
    "<base href=//evil.test>",
    "<form action=//evil.test><button formaction=javascript:pwned()>",
    "<math><mi href=x>",
    "[a](javascript:pwned())",
    "[a](JaVa&#115;cript&colon;pwned())",
    "[a](\tjavascript:pwned())",
    "![a](javascript:x)",
    "[a](data:text/html,<script>pwned()</script>)",
    "[a](vbscript:pwned())",
    "<javascript:pwned()>",
    "[a](//evil.test)",
    "![a](https://evil.test/a.png)",
    "![a](data:image/svg+xml;base64,AAAA)",
    "[a]\n\n[a]: javascript:pwned()",
    "![a][b]\n\n[b]: https://evil.test/a.png 'onerror=pwned()'",
    '[a](https://x.test/"onmouseover="pwned())',
    "$\\href{javascript:pwned()}{x}$",
    "$$\\unicode{<script>pwned()</script>}$$",
    "`<script>`",
    "```html\n<script>\n```",
    "\\begin{a}<script>pwned()</script>\\end{a}",
    "<!--><script>pwned()</script>-->",
    "<![CDATA[<script>]]>",
    "<a\nhref=x>",
    "<div style='background:url(//evil.test)'>",
    "</div></section><script>",
    "&lt;script>pwned()&lt;/script>",
    "<x/onx=1>",
]


class Tags(HTMLParser):
    """Every tag with its attributes, and which stay open."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("br", "hr", "img", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def assert_harmless(markup):
    parsed = Tags(markup)
    assert parsed.open == []
    for tag, attributes in parsed.tags:
        assert tag in harmless.TEXT | harmless.BLOCKS | harmless.TABLES
        for name, value in attributes.items():
            assert name in {"href", "src", "alt", "title", "class", "style", "start", "width", "lang"}
            if name == "href":
                assert value.startswith(("https://", "http://", "mailto:"))
            if name == "src":
                assert value.startswith("data:image/") and "svg" not in value
            if name == "style":
                assert "(" not in value
            if name == "class":
                assert value in {"highlight", "math"} or len(value) <= 3


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_active_is_left_of_markdown(text):
    assert_harmless(harmless.theirs(text))
    assert_harmless(harmless.ours(text))
    assert_harmless(harmless.fragment(text))


@given(
    st.lists(
        st.sampled_from([*HOSTILE, "<", ">", "&", "*", "`", "$", "|", "\n", "[", "](", ")", "'", '"', "a"]), max_size=8
    )
)
@settings(max_examples=200, deadline=None)
def test_nothing_active_is_left_of_any_mixture(parts):
    assert_harmless(harmless.theirs("".join(parts)))


@pytest.mark.parametrize("text", HOSTILE[:10])
def test_raw_html_of_a_student_is_shown_as_text(text):
    assert text in unescape(harmless.theirs(text))


def test_what_the_graft_escaped_reads_as_it_was_written():
    assert harmless.theirs("`a &lt;b` and $i &lt;n$ and a &lt;b").count("&lt;") == 3
    assert "&amp;" not in harmless.theirs("`a &lt;b` and $i &lt;n$ and a &lt;b")


def test_an_instructors_html_tables_and_pictures_stay():
    table = harmless.ours("| a | b |\n|:--|--:|\n| 1 | 2 |")
    assert '<td style="text-align: right">2</td>' in table
    picture = f"<figure><img alt='an edge' src='data:image/png;base64,{PNG}' width='80%'></figure>"
    assert 'alt="an edge"' in harmless.ours(picture) and f"base64,{PNG}" in harmless.ours(picture)
    attached = harmless.ours("![edge](attachment:a.png)", f'{{"a.png": {{"image/png": "{PNG}"}}}}')
    assert f"base64,{PNG}" in attached


def test_a_picture_that_is_not_attached_leaves_its_words():
    assert "[edge]" in harmless.theirs("![edge](attachment:gone.png)")


def test_what_a_check_reports_keeps_its_looks():
    report = (
        '<div style="border-left: 4px solid #009E73; padding-left: 0.8em"><ul style="list-style: none">✓</ul></div>'
    )
    assert harmless.fragment(report) == report


@pytest.mark.parametrize(
    "style", ["background: url(//x)", "list-style: url(//x)", "position: fixed", "margin: calc(1px)"]
)
def test_a_style_that_could_load_or_cover_is_dropped(style):
    assert style not in harmless.fragment(f'<div style="{style}">x</div>')


@pytest.mark.parametrize("text", ["[" * 20_000, "> " * 10_000, "```" + "`" * 19_000, "*a " * 6000, "$" * 20_000])
def test_a_text_that_takes_long_elsewhere_is_shown(text):
    assert harmless.theirs(text)
    assert harmless.code(text)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("not base64!", "no base64"),
        ('"><script>pwned()</script>', "breaks out of its attribute"),
        (base64.b64encode(b"<svg onload=pwned()>").decode(), "no PNG"),
        (base64.b64encode(harmless.SIGNATURES["jpeg"] + bytes(20)).decode(), "a JPEG"),
    ],
)
def test_what_is_no_picture_is_no_picture(data, why):
    assert harmless.picture("png", data) is None, why


def test_a_picture_that_unpacks_to_gigabytes_is_not_shown():
    def png(width, height):
        size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        content = harmless.SIGNATURES["png"] + b"\0\0\0\rIHDR" + size + b"\x08\x06\0\0\0" + zlib.compress(bytes(100))
        return base64.b64encode(content).decode()

    assert harmless.picture("png", png(60_000, 60_000)) is None
    assert "<img" in harmless.picture("png", png(2000, 1000))


def test_control_sequences_are_dropped_from_what_was_printed():
    assert harmless.plain("\x1b]8;;javascript:pwned()\x07x\x1b]8;;\x07", 100) == "�]8;;javascript:pwned()�x�]8;;�"
    assert harmless.plain("\x1b[8mhidden\x1b[0m \u202etfel", 100) == "hidden �tfel"
    assert harmless.plain("a\r\n10 %\r20 %\r", 100) == "a\n20 %"


@given(st.text())
def test_a_name_is_one_visible_line_and_names_stay_different(text):
    shown = harmless.name(text)
    assert shown.isprintable()
    shown.encode("utf-8")


@pytest.mark.parametrize(("one", "other"), [("a\udcff", "a\udcfe"), ("a\n", "a\r"), ("a\u202e", "a")])
def test_different_names_look_different(one, other):
    assert harmless.name(one) != harmless.name(other)
