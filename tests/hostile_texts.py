"""Texts that a client file may hold and that must do no harm wherever they are shown."""

#: By what they try.
HOSTILE = {
    "formula": "=cmd|' /C calc'!A0",
    "number": "-1+1",
    "sum": "@SUM(1+1)*cmd|' /C calc'!A0",
    "tab": "\t=1+1",
    "script": "<script>document.title='run'</script>",
    "image": "<img src=x onerror=\"document.title='run'\">",
    "attribute": '" onmouseover="document.title=\'run\'" x="',
    "end": "</td></table></style></title><svg onload=\"document.title='run'\">",
    "template": "{{ 7 * 7 }}{% raw %}",
    "right to left": "Anna \u202egnp.exe",
    "nul": "An\0na",
    "controls": "An\x1b[31mna\x7f\x85\u2028",
    "lines": "Anna\r\nBEGIN:VEVENT\r\nX-HARM:1\nDurand",
    "quotes": 'O\'Brien "the" \\;,: Smith',
    "emoji": "👩‍👩‍👧 Zoë",
    "long": "Anna " * 2_000,
}
