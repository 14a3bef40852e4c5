"""Answers that break code if it quotes, parses, renders or stores them incorrectly."""

from __future__ import annotations

_QUOTES = [
    *('"', "'", "\\", "it's", 'say "hi"', '"""', "'''", '""" + str(1 / 0) + """', "a\\", 'a\\"'),
    *("\\'", "\\n", "\\x41", "\\u0041", "\\N{DASH}", '"it\'s"', "'; DROP TABLE items; --"),
]
_OTHER_LANGUAGES = [
    *("{{ 7 * 7 }}", "{{", "}}", "{% raw %}", "{% endraw %}", "{%", "{# note #}", "#}", "{{ x"),
    *("${{ secrets.TOKEN }}", "${HOME}", "$(id)", "`id`", "$HOME", "%s", "%(here)s", "%%", "{0}"),
    *("{}", "{project_name}", "#", "# a", "a # b", "a #", "#!/bin/sh", "=?utf-8?q?a?=", "Name: a"),
]
_YAML = [
    *("yes", "no", "true", "null", "~", "None", "1e3", "0x1F", "0o17", "1_000", "3.10", "1:30"),
    *(".inf", "[a]", "{a: b}", "- x", "-", "---", "...", "? x", ": x", "a: b", "a:", "&a", "*a"),
    *(
        "!!python/object:os.system",
        "!x",
        "|",
        ">",
        "|-",
        "@a",
        "%YAML 1.2",
        "2026-11-25",
        "=",
        "<<",
    ),
]
_TOML = ["[[a]]", "a = 1", "[tool.uv]", "]", "2026-11-25T10:00:00Z"]
_MARKDOWN = [
    *("<b>bold</b>", "<!-- hidden", "-->", "<!-- The service's own: -->", "&amp;", "a<b", "a < b"),
    *("# The service's own, one a line:", "[a](http://b)", "![a](b)", "*a*", "_a_", "__init__"),
    *("~~a~~", "```", "~~~", "|a|b|", "> a", "1. a", "1) a", "+ a", "===", "***", "\\*a\\*", "C #"),
    *("[a]: http://b", "http://a.example", "<https://a.example>", "<<<<<<< before updating"),
    *(
        "=======",
        ">>>>>>> after updating",
        "a_b",
        "snake_case and kebab-case",
        "AT&T",
        "1.5 tonnes",
    ),
]
_CHARACTERS = [
    *(
        "\n",
        "a\nb",
        "a\r\nb",
        "\t",
        "a\tb",
        "\x00",
        "a\x00b",
        "\x07",
        "\x1b[31mred",
        "\x7f",
        "\x85",
    ),
    *("\u2028", "\ufeff", "a\ufeff", "\u200b", "a\u200db", "\u202e\u05d0", "\u2066a", "\ud800"),
    *("\udfff\ud800", "\ue000", "\xa0", "\u3000", "\xad", "é", "e\u0301", "注文", "ﬀ", "İ", "ß"),
    *(
        "שלום",
        "مرحبا",
        "🚀",
        "👩\u200d🚀",
        "❤️",
        "🩷",
        "Ⅷ",
        "\U0003ffff",
        " a",
        "a ",
        " ",
        "",
        "a  b",
    ),
]
_POSITIONS = [
    *("../x", "../../etc/passwd", "/etc/passwd", "C:\\Windows", "a/b", "a\\b", ".", "..", "~root"),
    *("-rf", "--help", "con", "CON", "nul.txt", "aux", "com1", "lpt9", "class", "import", "match"),
    *("fastapi", "json", "tests", "src", "conftest", "__pycache__", "_", "3d", "a-b", "A", "a.b"),
]
_LENGTHS = [
    "a" * 60,
    "a" * 74,
    "a" * 75,
    "注" * 37,
    "注" * 38,
    "x " * 37 + "y",
    "a" * 200,
    "a" * 300,
]
_ORIGINS = [
    *(
        "http://localhost:3000",
        "https://a.example,https://b.example",
        "https://a.example, http://b",
    ),
    *(
        "*",
        "https://a.example,",
        'https://a"b.example',
        "https://a'b.example",
        "https://$a.example",
    ),
    *(
        "https://{{x}}.example",
        "https://a#b.example",
        "https://\ud800.example",
        "https://a.example\n",
    ),
    *(",".join(["https://a.example"] * number) for number in (5, 30)),
]
_PATTERNS = [
    *(r"https://[a-z]+\.example\.com", r"^https://x\.example\.com$", r"https://a\.example\.com'"),
    *(
        r'https://["a]+\.example\.com',
        r"https://a{{x}}\.example\.com",
        "https://a\\.example\\.com\n",
    ),
    rf"https://[a-z]+\.{'a' * 60}\.example\.com",
]

TEXTS = [
    *dict.fromkeys(
        _QUOTES
        + _OTHER_LANGUAGES
        + _YAML
        + _TOML
        + _MARKDOWN
        + _CHARACTERS
        + _POSITIONS
        + _LENGTHS
        + _ORIGINS
        + _PATTERNS
    )
]

# Values of other types in a data file, as YAML.
WRONG_TYPES = [
    *("3.11", "311", "-1", "1.0", ".inf", "null", "~", "", "[a]", "[]", "{a: b}", "{}"),
    *("2026-11-25", "2026-11-25T10:00:00Z", "!!binary aGk=", "!!set {a}", "0x1F", "1:30"),
]
UNKNOWN_NAMES = ["databse", "Project_name", "", " cors", "cors\n", "\x1b[2J", "ñ"]
