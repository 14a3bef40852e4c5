"""`tools/resource.py` of a service writes the files of a resource."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from databases import serving
from harness import (
    ANSWERS_FILE,
    TEMPLATE,
    Environments,
    Renders,
    copy_release,
    git,
    load_extension,
    run,
    tool,
)
from sample import FILES, render_sample
from schemas import check_schema

if TYPE_CHECKING:
    from generator import Generator

pytest_plugins = ["engines", "generator"]
resources = load_extension(TEMPLATE, "resources")

# Every type and option.
BOOK = (
    "Book title:str:3:unique:sort:search summary:text?:search pages:int:min=18:unique"
    " words:bigint?:index price:decimal:10,2:min=0:max=99:sort:filter weight:float:sort:=1.5"
    " in_print:bool:filter:=false printed:date:unique:sort sold_at:datetime?:filter"
    " opens:time code:uuid contact:email:unique page:url?:filter extra:json? state:enum:draft,live,old:index:=draft"
    " notes:str?:min=30:filter:search"
    " share:decimal:4,4?:filter copies:int:min=3:sort:=7 rating:float:min=0.5:max=2"
    " language:text:=English --versioned"
)
ALL = (
    BOOK,
    "OrderLine amount:decimal:10,2? state:enum:open,paid:filter --idempotent",
    "Person nick_name:str:2:unique --plural people",
    "Tag name:str:search",
    # Of a resource that refers to others, twice to the same.
    "Review text:text book:ref:Book:cascade reviewer:ref?:Person:set_null tags:many:Tag --idempotent --versioned",
    "Event name:str:sort:filter people:many:Person invited_people:many:Person",
    "Comment text:text?:search posted_at:datetime:sort review:ref:Review:restrict:filter author:ref:Person second_author:ref?:Person",
)


FEW = (
    "Author name:str:unique",
    "Book title:str:sort:search summary:text?:search pages:int?:min=1:filter"
    " state:enum:draft,live:filter:=draft author:ref:Author --versioned",
)
SHELF = {"name": "shelf", "plural": "shelves", "has_references": False}


def describe(*words: str) -> Mapping[str, object]:
    name, *fields = words
    return {"name": name, "fields": fields}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["book", "title:str"], "book: write the name of a resource as in Book"),
        (["APIKey", "title:str"], "APIKey: write the name of a resource as in Book, OrderLine or"),
        (["Book_Shop", "title:str"], "Book_Shop: write the name"),
        (["Session", "title:str"], "Session: the name is taken"),
        (["Class", "title:str"], "Class: the name is taken"),
        (["None", "title:str"], "None: the name is taken"),
        (["Index", "title:str"], "Index: the name is taken"),
        (["Reference", "title:str"], "references: the plural is taken"),
        (["IdempotencyKey", "title:str"], "IdempotencyKey: the name is taken"),
        (["B" + "o" * 24, "title:str"], "use at most 24 characters"),
        (["Book"], "Book: add a field, as in title:str"),
        (["Book", "title"], "title: unknown type ''; use one of str, text, int"),
        (["Book", "title:string"], "title:string: unknown type 'string'; did you mean str"),
        (["Book", "title:strr"], "did you mean str?"),
        (["Book", "Title:str"], "Title:str: write names in lower case"),
        (["Book", "title:str", "title:int"], "title: several fields have this name"),
        (["Book", "id:uuid"], "id:uuid: the name is taken"),
        (["Book", "class:str"], "class:str: the name is taken"),
        (["Book", "date:date"], "date:date: the name is taken"),
        (["Book", "create:bool"], "create:bool: the name is taken"),
        (["Book", "copy:str"], "copy:str: Pydantic uses the name copy"),
        (["Book", "model_fields:str"], "Pydantic uses the name model_fields"),
        (["Book", "title:str:0"], "str has no option '0'; use a length such as 80, min=1, unique"),
        (["Book", "title:str:uniqe"], "str has no option 'uniqe'"),
        (["Book", "extra:json:unique"], "json has no option 'unique'; it has none"),
        (["Book", "price:decimal"], "as in price:decimal:10,2"),
        (["Book", "price:decimal:2,10"], "decimal has no option '2,10'"),
        (["Book", "state:enum"], "list the values"),
        (["Book", "state:enum:draft"], "list two or more values, each once"),
        (["Book", "state:enum:draft,draft"], "list two or more values, each once"),
        (["Book", "state:enum:In Print,b"], "write the values as in"),
        (["Book", "state:enum:a,b:=c"], "the default has to be one of a, b"),
        (["Book", "sold:bool:=yes"], "the default has to be one of true, false"),
        (["Book", "pages:int:=many"], "'many' is not a number for int"),
        (["Book", "pages:int:=7:min=3"], "write the default last"),
        (["Book", "sold:bool:=true:filter"], "write the default last"),
        (["Book", "title:str:=none:filter"], "write the default last"),
        (["Book", "pages:int:max=0:=5"], "the default is outside of the limits"),
        (["Book", "pages:int:min=1:=0"], "the default is outside of the limits"),
        (["Book", "pages:int:min=3:max=2"], "the minimum is above the maximum"),
        (["Book", "pages:int:min=3:max=3"], "its limits allow one value only"),
        (["Book", "title:str:2:min=3"], "the minimum is above the maximum"),
        (["Book", "title:str:2:=abc"], "the default is outside of the limits"),
        (["Book", "pages:int:=2147483648"], "2147483648 is too large for int"),
        (["Book", "pages:bigint:min=-1e19"], "'-1e19' is not a number for bigint"),
        (["Book", "price:decimal:4,2:=100"], "100 is too large for decimal"),
        (["Book", "price:decimal:4,2:=1.125"], "more than 2 digits after the point"),
        (["Book", "weight:float:max=1e400"], "inf is too large for float"),
        (["Book", "title:str:99999999"], "99999999 is too large for str"),
        (["Book", "title:str:min=-1"], "a length is not negative"),
        (["Book", "pages:int:unique:max=3"], "fewer than nine rows"),
        (["Book", "pages:float:=nan"], "'nan' is not a number for float"),
        (["Book", "born:date:=today"], "date has no default"),
        (["Book", "pages:int?:sort"], "rows without a value cannot be sorted; omit the ? or sort"),
        (["Book", "title:str:201:sort"], "sort needs a length of at most 200"),
        (["Book", "title:text:sort"], "text has no option 'sort'"),
        (["Book", "limit:str:filter"], "limit: several parameters of the list have this name"),
        (["Book", "pages:int:search"], "int has no option 'search'"),
        (["Book", "title:str:search", "search:str:filter"], "search: several parameters of the"),
        (["Book", "a:int:filter", "a_min:str:filter"], "a_min: several parameters of the list"),
        (["Book", "tags:many:Tag"], "no resource 'Tag'; write that resource first"),
        (["Book", "author:ref"], "name the other resource, as in author:ref:Author"),
        (["Book", "author:ref:author"], "ref has no option 'author'; use a resource such as"),
        (["Book", "author:ref?:Author:setnull"], "'setnull'; use a resource such as Author"),
        (["Book", "title:str:80:90"], "'90' repeats an option; omit one of them"),
        (["Book", "sequel:ref:Book"], "it refers to itself; add this field by hand"),
        (["Book", "author:ref:Author"], "no resource 'Author'; write that resource first"),
    ],
)
def test_a_bad_description_is_refused_with_a_fix(words: Sequence[str], message: str) -> None:
    with pytest.raises(resources.InvalidResource) as refusal:
        resources.parse_resource(describe(*words))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plural": "Books"}, "Books: write the plural as in books"),
        ({"plural": "book"}, "the plural is the same"),
        ({"plural": "status"}, "status: the plural is taken"),
        ({"write_scope": "a b"}, "'a b': write a scope as in books:write"),
        ({"fields": ["x:ref:Shop"], "targets": [SHELF]}, "use one of Shelf, or write it first"),
        ({"fields": ["x:many:Shelf"], "targets": [SHELF]}, "name it shelves, or something that"),
        ({"fields": ["shelves:many?:Shelf"], "targets": [SHELF]}, "omit the ?"),
        (
            {"fields": ["shelf:ref:Shelf", "shelves:many:Shelf"], "targets": [SHELF]},
            "shelf: several fields refer to it by this name",
        ),
        ({"fields": ["x:ref:Shelf:set_null"], "targets": [SHELF]}, "as in ref?"),
        ({"fields": ["version:int"], "versioned": True}, "version: --versioned uses this name"),
        ({"plural": "etag", "versioned": True}, "etag: --versioned uses this name"),
    ],
)
def test_bad_options_are_refused_with_a_fix(options: Mapping[str, object], message: str) -> None:
    with pytest.raises(resources.InvalidResource) as refusal:
        resources.parse_resource({**describe("Book", "title:str"), **options})
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "plural"),
    [("Book", "books"), ("Category", "categories"), ("Day", "days"), ("Box", "boxes")],
)
def test_plurals_are_regular(name: str, plural: str) -> None:
    assert resources.parse_resource(describe(name, "title:str")).plural == plural


@pytest.mark.parametrize(
    "words", ["an item", "an upload", "an hour", "a user", "a unit", "a one_off", "a book"]
)
def test_articles_fit_the_sound(words: str) -> None:
    article, name = words.split()
    assert resources.to_article(name) == article


def test_creation_is_idempotent_only_if_asked() -> None:
    book = describe("Book", "title:str")
    assert not resources.parse_resource(book).idempotent
    assert resources.parse_resource({**book, "idempotent": True}).idempotent


def test_a_version_of_its_own_is_a_field() -> None:
    resource = resources.parse_resource(describe("Book", "version:int"))
    assert not resource.versioned
    assert [field.name for field in resource.fields] == ["version"]


def test_the_version_includes_what_the_database_changes() -> None:
    fields = ("shelf:ref?:Shelf:set_null", "box:ref?:Shelf", "title:str", "old_shelves:many:Shelf")
    description = {**describe("Book", *fields), "targets": [SHELF], "versioned": True}
    values = resources.parse_resource(description).version_values
    assert values == ["book.version", "book.shelf_id", "len(book.old_shelf_ids)"]


@pytest.mark.parametrize("name", ["case", "match", "type"])
def test_soft_keywords_are_names(name: str) -> None:
    assert resources.parse_resource(describe(name.title(), f"{name}:str")).singular == name


def test_every_type_and_option_is_tested() -> None:
    names = {"book": "books", "person": "people", "review": "reviews", "tag": "tags"}
    targets = [resources.Target(name, plural, False) for name, plural in names.items()]
    fields = [
        resources.parse_field(line.split()[0], text, targets)
        for line in ALL
        for text in line.split()[1:]
        if ":" in text
    ]
    assert {field.type for field in fields} == {*resources.TYPES}
    offered = {option for value in resources.TYPES.values() for option in value["options"].split()}
    assert {option for field in fields for option in field.options} == offered


@pytest.mark.slow
@pytest.mark.parametrize(
    ("generator", "lines"),
    [
        pytest.param({"authentication": "sessions"}, FEW, id="few"),
        # Every type and option, on both engines.
        pytest.param({"authentication": "sessions"}, ALL, id="sqlite", marks=pytest.mark.nightly),
        pytest.param(
            {"database": "postgresql", "error_format": "envelope"},
            ALL,
            id="postgresql",
            marks=pytest.mark.nightly,
        ),
    ],
    indirect=["generator"],
)
def test_generated_code_passes_all_checks(
    generator: Generator, environments: Environments, lines: Sequence[str]
) -> None:
    for line in lines:
        generator.create(*line.split())

    generator.check(environments)


@pytest.mark.parametrize("authentication", ["none", "sessions", "oidc"])
def test_the_sample_is_what_the_tool_writes(
    template: Path, render: Renders, tmp_path: Path, authentication: str
) -> None:
    sample = render(authentication=authentication)

    written = render_sample(template, sample, tmp_path, authentication)

    rendered = {path: (sample / path).read_text(encoding="utf-8") for path in FILES}
    assert written == rendered, "run `python tests/sample.py`"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("versioned", [False, True])
def test_lines_fit_for_the_longest_names(
    template: Path, tmp_path: Path, versioned: bool, database: str
) -> None:
    answers = {
        "package_name": "a_package_whose_name_is_as_long_as_it_is",
        "authentication": "oidc",
        "database": database,
    }
    texts = [f"f{number}_{'x' * 21}:str:unique:sort:search" for number in range(4)]
    texts.append(f"t{'x' * 23}:text?:search")
    fields = [*texts, f"n{'x' * 23}:decimal:10,2?:filter", f"e{'x' * 23}:enum:a,b:filter:=a"]
    # With a name of its own, a field that refers to another resource is as long as both.
    other, others = "O" + "c" * 23, "o" + "c" * 26
    fields += [f"r{'x' * 23}:ref:{other}:filter", f"{others[:24]}:many:{other}"]
    target = {"name": other.lower(), "plural": others[:24], "has_references": True}
    options = {"plural": "a" * 27, "targets": [target], "idempotent": True}
    options |= {"versioned": versioned}
    resource = {**describe("A" + "b" * 23, *fields), **options}

    copy_release(template, tmp_path, {**answers, "resource": resource})
    for words in (["format"], ["check", "--select=E501"]):
        ruff = [tool("ruff"), *words, "--isolated", "--line-length=100", "--no-cache", "--quiet"]
        done = run([*ruff, str(tmp_path)], tmp_path)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("generator", [pytest.param({}, id="sqlite")], indirect=True)
def test_the_tool_writes_all_files_or_none(generator: Generator) -> None:
    service = generator.service
    database = service.root / "my_service.db"
    head = database.read_bytes()

    # A name that is not valid.
    assert generator.refuse("Book", "title:string") == (
        "title:string: unknown type 'string'; did you mean str?\n"
    )
    # A resource that exists.
    assert generator.refuse("Item", "title:str").startswith(
        "Choose another name, since these files exist: src/my_service/api/v1/items.py"
    )
    # A database without the tables, and a table that a model of another file has.
    database.unlink()
    assert "Target database is not up to date" in generator.refuse("Book", "title:str")
    database.write_bytes(head)
    model = service.root / "src/my_service/db/models/library.py"
    text = (service.root / "src/my_service/db/models/item.py").read_text(encoding="utf-8")
    model.write_text(text.replace("Item", "Thing").replace('"items"', '"books"'), "utf-8")
    assert "New upgrade operations detected" in generator.refuse("Shelf", "title:str")
    service.run("alembic", "revision", "--autogenerate", "-m", "Add books")
    service.run("alembic", "upgrade", "head")
    assert "Table 'books' is already defined" in generator.refuse("Book", "title:str")
    # A version that the template does not have.
    answers = service.root / ANSWERS_FILE
    recorded = answers.read_text(encoding="utf-8")
    answers.write_text(re.sub("(?m)^_commit: .*", "_commit: v0.0.0", recorded), encoding="utf-8")
    assert generator.refuse("Book", "title:str") == (
        "The template that .copier-answers.yml names cannot be rendered:\n"
        "Unknown revision: 'v0.0.0'\n"
    )
    # An update with conflicts.
    answers.write_text(f"<<<<<<< before updating\n{recorded}", encoding="utf-8")
    assert f"{ANSWERS_FILE} is missing or damaged" in generator.refuse("Book", "title:str")
    answers.write_text(recorded, encoding="utf-8")
    # A file that cannot be written, after others that can.
    model.unlink()
    git(service.root, "clean", "--quiet", "--force", "migrations")
    database.write_bytes(head)
    folder = service.root / "tests/services"
    folder.rename(service.root / "tests/kept")
    folder.write_text("not a folder", encoding="utf-8")
    assert "Nothing was written." in generator.refuse("Book", "title:str")


@pytest.mark.slow
@pytest.mark.nightly  # In the default run, the test above has most of the ways through the tool.
@pytest.mark.parametrize("generator", [pytest.param({}, id="sqlite")], indirect=True)
def test_running_it_twice_changes_nothing(generator: Generator) -> None:
    planned = generator.attempt("Book", "title:str", "--dry-run").stdout.splitlines()
    assert generator.changes() == []

    written = generator.create("Book", "title:str").splitlines()
    changes = generator.changes()

    assert planned == written[: len(planned)]
    assert [change.removeprefix("?? ") for change in changes] == sorted(written[: len(changes)])
    assert generator.create("Book", "title:str") == "The files of this resource exist already.\n"
    assert generator.changes() == changes


@pytest.mark.slow
@pytest.mark.nightly  # In the default run, a test above has most of the ways through the tool.
@pytest.mark.parametrize("generator", [pytest.param({}, id="sqlite")], indirect=True)
def test_shared_files_are_written_once(generator: Generator) -> None:
    shared = generator.service.root / "src/my_service/services/idempotency.py"
    first = generator.create("Order", "total:int", "--idempotent")
    shared.write_text(f"{shared.read_text('utf-8')}# The team's.\n", encoding="utf-8")

    second = generator.create("Payment", "amount:int", "--idempotent")

    assert "tests/api/test_idempotency.py" in first
    assert "idempotency" not in second
    assert shared.read_text("utf-8").endswith("# The team's.\n")
    again = generator.create("Payment", "amount:int", "--idempotent")
    assert again == "The files of this resource exist already.\n"
    generator.service.run("alembic", "check")


# What a schema cannot say: in which order a cursor is valid.
SORTED = """
[[operations]]
include-path-regex = "/books$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]
"""
# Which version is current; and RFC 6585 defines the status for a request without If-Match.
VERSIONED = """
[[operations]]
include-path-regex = "/books/"
exclude-method = "GET"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 412]
checks.missing_required_header.expected-statuses = [428]
"""
# Pydantic takes true for 1. Its strict mode would refuse 1.0, which JSON Schema calls an integer.
LAX = """
[[operations]]
include-path-regex = "/books"
exclude-method = "GET"
checks.negative_data_rejection.expected-statuses = ["2xx", 404, 409, 412, 415, 422, 428]
"""
# Which keys were used before, for another request or for a deleted order.
USED_KEYS = """
[[operations]]
include-name = "POST /api/v1/orders"
checks.positive_data_acceptance.expected-statuses = ["2xx", 409, 422]

[[operations]]
include-path-regex = "/orders"
checks.ensure_resource_availability.enabled = false
"""


@pytest.mark.slow
@pytest.mark.nightly  # It generates a thousand requests; the default run has those to the sample.
@pytest.mark.parametrize("generator", [pytest.param({}, id="sqlite")], indirect=True)
@pytest.mark.parametrize(
    ("line", "configuration"),
    [
        (
            "Book title:str:unique:sort:search pages:int:sort:filter --versioned",
            SORTED + VERSIONED + LAX,
        ),
        ("Order total:int name:str:unique --idempotent", USED_KEYS),
    ],
)
def test_requests_match_the_schema(
    generator: Generator, tmp_path: Path, line: str, configuration: str
) -> None:
    generator.create(*line.split())

    with serving(generator.service, "--no-access-log") as client:
        output = check_schema(client, tmp_path, 50, configuration)

    assert "12 selected / 12 total" in output


# In the templates of a resource: the folder of the file, a part of it, and what replaces that part.
BREAKAGES = {
    "an error without a code": ("db/models", ', info={"error": {{ field.type_name }}Taken}', ""),
    "a reference without a limit": ("db/models", "field.column,", "'',"),
    "a text of another length": ("schemas", "{{ name }}={{ value }}", "{{ name }}={{ value + 1 }}"),
    "another default": ("schemas", "= {{ field.default }}", "= BookState.LIVE"),
    "a required field that may be null": (
        "schemas",
        "type(field) }} | MISSING",
        "type(field) }} | None | MISSING",
    ),
    "a response without a field": ("schemas", "    created_at: datetime\n", ""),
    "an update that changes nothing": ("services", "setattr({{ one }}, field, value)", "pass"),
    "a row that is not deleted": ("services", "await session.delete(await get", "(await get"),
    "a missing row that is found": (
        "services",
        "raise {{ class }}NotFound",
        "return {{ class }}()",
    ),
    "a list without pages": (
        "services",
        "if resource.is_filtered }}, limit=limit, cursor=cursor",
        "if resource.is_filtered }}, limit=limit, cursor=None",
    ),
    "rows of other authors": (
        "services",
        "{{ class }}, of_{{ field.singular }}, limit",
        "{{ class }}, limit",
    ),
    "an author that does not exist": (
        "services",
        "    await get_{{ target.name }}(session, {{ id }})",
        "",
    ),
    "a sorted list without its order": ("services", ", sort=sort'", ", sort=None'"),
    "rows that a filter excludes": (
        "services",
        "{{ class }}.{{ field.attribute }} {{ operator }}",
        "filters.{{ name }} {{ operator }}",
    ),
    "a minimum that excludes itself": (
        "services",
        "{{ field.attribute }} {{ operator }}",
        "{{ field.attribute }} {{ operator | replace('>=', '>') }}",
    ),
    "a search with wildcards": ("services", ", autoescape=True", ""),
    "a search for one word": ("services", "filters.search.split()", "filters.search.split()[:1]"),
    "a search in one field": (
        "services",
        "{% for field in searched %}",
        "{% for field in searched[:1] %}",
    ),
    "a search for nothing": ("schemas", "min_length=1, ", ""),
    "a search of any length": ("schemas", ", max_length=200", ""),
    "an order that clients may not choose": (
        "schemas",
        "{% for order in resource.orders %}",
        "{% for order in ['id'] + resource.orders %}",
    ),
    "links that keep a row": (
        "db/models",
        '{{ field.options.target.plural }}.id", ondelete="CASCADE"',
        '{{ field.options.target.plural }}.id"',
    ),
    "links in no order": ("db/models", "in sorted(ids)", "in sorted(ids, reverse=True)"),
    "links that every update replaces": (
        "db/models",
        "links.get({{ field.singular }}_id) or ",
        "",
    ),
    "links that are not loaded": ("services", "_id{{ loaded }})", "_id)"),
    "links of pages that are not loaded": (
        "services",
        "sorted_fields }}{{ loaded }}",
        "sorted_fields }}",
    ),
    "new links that change no time": (
        "services",
        "{{ one }}.updated_at = datetime.now(UTC)",
        "pass",
    ),
    "rows with any link": (
        "services",
        ".any({{ field.type_name }}.{{ field.singular }}_id == {{ id }})",
        ".any()",
    ),
    "another status": ("api/v1", "status.HTTP_201_CREATED", "status.HTTP_200_OK"),
    "another location": ("api/v1", '.id}"', '.name}"'),
    "a scope that nobody needs": (
        "api/v1",
        "write = ', dependencies=[WRITE]' if",
        "write = '' if",
    ),
    "an open route": (
        "api/v1",
        "{{ ', route_class=",
        ", dependencies=[Depends(allow_anonymous)]{{ ', route_class=",
    ),
    "a version that the database does not compare": (
        "db/models",
        'mapped_column()\n    __mapper_args__: Mapping[str, Any] = {"version_id_col": version}',
        "mapped_column(default=1, onupdate=__import__('sqlalchemy').text('version + 1'))",
    ),
    "a delete of another version": (
        "services",
        "{%- if resource.versioned %}\n    await session.flush()",
        "{%- if resource.versioned %}\n    pass",
    ),
    "a lost update": ("api", 'if if_match.isdisjoint({"*", etag})', "if not if_match"),
    "a change without If-Match": ("api", "raise PreconditionRequired", 'return frozenset("*")'),
    "a concurrent change that is a conflict": ("api", "raise PreconditionFailed from", "raise"),
    "a weak tag in If-Match": ("api", "re.findall(ENTITY_TAG", "re.findall(OPAQUE_TAG"),
    "one ETag for several response models": ("api", "[*version, _checksum(model)]", "version"),
    "an ETag that a deleted author keeps": (
        "api/v1",
        "resource.version_values | join(', ')",
        "one ~ '.version'",
    ),
    "a row that the client has": ("api/v1", "not_modified(if_none_match, etag) or ", ""),
    "an update without an ETag": (
        "api/v1",
        '_id, changes)\n    response.headers["ETag"] = {{ etag }}',
        "_id, changes)",
    ),
}
IDEMPOTENCY_BREAKAGES = {
    "a key for any body": ("api", "+ await request.body()).digest()", ").digest()"),
    "a key for any path": ("api", ', scope["path"]', ""),
    "a key for any query": ("api", ', scope["query_string"].decode("latin-1")', ""),
    "a key for any method": ("api", 'scope["method"], ', ""),
    "keys of all users": ("api", "{user.id if user else ''}", ""),
    "a stored error": ("api", " and response.status_code < 400", ""),
    "a replay without a check": (
        "api",
        '[*(options.get("dependencies") or ()), Depends(claim_key)]',
        '[Depends(claim_key), *(options.get("dependencies") or ())]',
    ),
    "a replay without its header": ("api", "[*headers, REPLAYED]", "headers"),
    "headers that are lost": ("api", "[*headers, REPLAYED]", "[REPLAYED]"),
    "another status of a replay": ("api", "stored.body, stored.status", "stored.body"),
    "a body that a dependency has read": ("api", "if KEY in request.headers:", "if False:"),
    "a key of any length": ("api", "{1,255}", "+"),
    "a stream that is executed again": ("api", 'if not hasattr(response, "body"):', "if False:"),
    "a response of any size": ("services", "len(response.body) > MAX_RESPONSE_SIZE", "False"),
    "a key that is forgotten": ("services", "    session.add(response)\n", ""),
    "a resource without keys": ("api/v1", ", route_class=IdempotentRoute", ""),
}
# Only PostgreSQL runs transactions at the same time, and has an index for a search.
POSTGRESQL_BREAKAGES = {
    "requests that wait for each other": ("services", "stored is None and not is_locked", "False"),
    "a key in another transaction": (
        "api",
        "                await store_response(session,",
        "                async with request.app.state.database.session() as session:\n"
        "                    await store_response(session,",
    ),
    "a search that skips rows with null": (
        "db/models",
        "if field.is_nullable else column",
        "if not field else column",
    ),
    "a search in the first field": (
        "db/models",
        "{%- for field in resource.searched_fields %}",
        "{%- for field in resource.searched_fields[:1] %}",
    ),
    "a search without an index": (
        "db/models",
        'Index("ix_{{ resource.plural }}_search_vector", SEARCH_VECTOR, postgresql_using="gin")',
        "",
    ),
    "a search for any word": (
        "services",
        "filters.search)",
        'filters.search.replace(" ", " or "))',
    ),
}
BROKEN = (
    "Book name:str:unique:sort:search summary:text?:search pages:int?:min=1:filter"
    " state:enum:draft,live:filter:=draft author:ref?:Author:set_null tags:many:Tag"
)
AUTHOR = {"name": "author", "plural": "authors", "has_references": False, "scopes": ["authors"]}
TAG = {"name": "tag", "plural": "tags", "has_references": False}


@pytest.mark.slow
@pytest.mark.nightly  # It runs the tests of a resource once for each breakage.
@pytest.mark.parametrize(
    ("generator", "breakages"),
    [
        pytest.param({"authentication": "oidc"}, BREAKAGES, id="sqlite"),
        pytest.param({"authentication": "oidc"}, IDEMPOTENCY_BREAKAGES, id="idempotency"),
        pytest.param({"database": "postgresql"}, POSTGRESQL_BREAKAGES, id="postgresql"),
    ],
    indirect=["generator"],
)
def test_the_tests_of_a_resource_catch_breakages(
    generator: Generator,
    template: Path,
    tmp_path: Path,
    breakages: Mapping[str, tuple[str, str, str]],
) -> None:
    service, broken = generator.service, shutil.copytree(template, tmp_path / "template")
    has_users = "authentication" in service.answers
    users = {"write_scope": "books:write"} if has_users else {}
    idempotent = breakages is not BREAKAGES
    resource = {
        **describe(*BROKEN.split()),
        **users,
        "idempotent": idempotent,
        "versioned": True,
        "targets": [AUTHOR, TAG],
    }
    words = (
        ["--versioned"]
        + ["--write-scope", "books:write"] * has_users
        + ["--idempotent"] * idempotent
    )
    generator.create("Author", "name:str", *["--write-scope", "authors"] * has_users)
    generator.create("Tag", "name:str")
    generator.create(*BROKEN.split(), *words)
    git(service.root, "add", "--all")
    git(service.root, "commit", "--quiet", "--message", "Books")
    tests = [
        "api/test_conditional_requests.py",
        "api/v1/test_books.py",
        "services/test_books.py",
        "foundation/db/test_migrations.py",
    ]
    tests += ["api/test_idempotency.py"] * idempotent
    survivors = []
    for name, (folder, old, new) in breakages.items():
        [file] = [
            path
            for path in broken.glob(f"resource/src/*/{folder}/*.jinja")
            if old in path.read_text("utf-8")
        ]
        file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
        git(broken, "commit", "--quiet", "--all", "--message", name)
        data = {**service.answers, "resource": resource}
        # A copy into the service would keep its files.
        written = copy_release(broken, tmp_path / name, data, "HEAD")
        shutil.copytree(written, service.root, dirs_exist_ok=True)
        # As the tool does: the files import what any resource needs, even modules of other options.
        service.run("ruff", "check", "--quiet", "--fix", "--select=F401", "src", "tests")
        words = ["pytest", "-q", "-x", *(f"tests/{test}" for test in tests)]
        # A test fails with 1; with another exit code, the code could not be imported.
        if service.attempt(words, {}).returncode != 1:
            survivors.append(name)
        git(broken, "reset", "--quiet", "--hard", "HEAD~")
        git(service.root, "checkout", "--quiet", ".")
    assert survivors == []
