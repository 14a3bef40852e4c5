"""Parses the description of a resource, such as `Book title:str:200:unique pages:int?`.

`docs/resources.md` describes the types of fields and their options.
"""

from __future__ import annotations

import keyword
import math
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from copier.errors import UserMessageError
from jinja2 import Environment
from jinja2.ext import Extension
from pydantic import BaseModel

TYPES: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("field_types.yml").read_text(encoding="utf-8")
)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXTS, INTEGERS = _names("str text"), _names("int bigint")
# The types whose filters have a minimum and a maximum.
RANGES = INTEGERS | _names("decimal float date datetime")
REFERENCES = _names("ref many")
# What happens to a row when the row that it refers to is deleted: it prevents that, or is deleted
# too, or refers to nothing.
DELETE_ACTIONS = ("restrict", "cascade", "set_null")
# The code of a resource uses these names for something else.
RESERVED_NAMES = _names(
    """
    annotated any app async_read_session async_session base before big_integer body changes
    client column_element condition conflict create cursor date datetime decimal depends dict
    email error false field filters finite_float foreign_key func idempotency idempotency_key
    idempotent_route index int32 int64 integer invalid iterable json length limit literal
    local_time mapped new none not_found numeric page page_of page_parameters page_query
    parameters query read_error read_session references relationship request response router
    select session setattr sort sorted_page_parameters status str str_enum strict_bool
    strict_finite_float string text time timestamp timestamp_mixin true unique_constraint url
    uuid value
    """
)
# As attributes, the types would hide themselves from the fields after them.
RESERVED_FIELDS = _names(
    """
    id created_at updated_at metadata registry l
    bool date datetime float int mapped_column str time
    """
)
# With `--versioned`, the code also uses these names, and its table has a column for the version.
VERSIONED_NAMES = _names("entity_tag etag if_match if_none_match not_modified precondition")
VERSIONED_FIELDS = _names("version")
# `BookCreate` and the like are names of a resource's own classes.
RESERVED_ENDINGS = _names("create filters parameters read sort update")
# The options without a value.
FLAGS = _names("unique index sort filter search")
# How the others are written.
SPELLINGS = {
    "length": "a length such as 80",
    "precision": "digits such as 10,2",
    "min": "min=1",
    "max": "max=9",
    "default": ":=value",
    "choices": "values such as draft,live",
    "target": "a resource such as Author",
    "on_delete": ", ".join(DELETE_ACTIONS),
}
# The other parameters of lists.
PARAMETERS = ("limit", "cursor", "sort")
# A request may refer to so many rows of another resource.
MAX_LINKS = 100
# PostgreSQL indexes values of up to 2,704 bytes, and a cursor carries the value.
MAX_SORTED = 200
# With longer names, some lines would have more than 100 columns.
MAX_NAME = 24
SNAKE_CASE = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
PASCAL_CASE = re.compile("([A-Z][a-z0-9]+)+")
# `an upload`, but `a user` and `a unit`, whose first sound is a consonant.
AN = re.compile("[aio](?!ne(_|$))|e(?!u)|u(?!ni|s[aeu]|r[aeil]|t[ei]|u)|hour|heir|hono")
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


class InvalidResource(UserMessageError):
    """A description that is refused; the message says what to write instead."""


def to_pascal(name: str) -> str:
    """`published_on` as `PublishedOn`."""
    return "".join(word.capitalize() for word in name.split("_"))


def to_snake(name: str) -> str:
    """`OrderLine` as `order_line`."""
    return re.sub("(?<!^)(?=[A-Z])", "_", name).lower()


def to_words(name: str) -> str:
    """`order_line` as `order line`."""
    return name.replace("_", " ")


def to_path(name: str) -> str:
    """`order_lines` as `order-lines`."""
    return name.replace("_", "-")


def to_article(name: str) -> str:
    """The indefinite article before a name."""
    return "an" if AN.match(name) else "a"


def pluralize(name: str) -> str:
    """The regular plural of an English noun."""
    if re.search("[^aeiou]y$", name):
        return name[:-1] + "ies"
    return name + ("es" if re.search("(s|x|z|ch|sh)$", name) else "s")


def enumerate_words(words: Sequence[str]) -> str:
    """Words as prose: `a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


@dataclass(frozen=True)
class Target:
    """A resource of the service to which another one may refer.

    Attributes:
        name: its name in snake case.
        plural: the name of its modules.
        has_references: whether it refers to others itself.
        versioned: whether a change of it requires `If-Match`.
        scopes: the scopes that writing a row in its tests requires.
    """

    name: str
    plural: str
    has_references: bool
    versioned: bool = False
    scopes: Sequence[str] = ()

    @property
    def class_name(self) -> str:
        """The name of its class."""
        return to_pascal(self.name)

    @property
    def path(self) -> str:
        """The segment of its URL."""
        return to_path(self.plural)

    @property
    def words(self) -> str:
        """The name as prose."""
        return to_words(self.name)


@dataclass(frozen=True)
class Field:
    """A field of a resource, such as `title:str:200:unique`.

    Attributes:
        resource: the name of the resource.
        name: its name.
        type: the name of its type, a key of `TYPES`.
        is_nullable: whether the value may be null.
        options: the values of its options.
    """

    resource: str
    name: str
    type: str
    is_nullable: bool
    options: Mapping[str, Any]

    @property
    def attribute(self) -> str:
        """The name of its column and of its property in JSON."""
        if self.type == "many":
            return f"{self.singular}_ids"
        return f"{self.name}_id" if self.type == "ref" else self.name

    @property
    def singular(self) -> str:
        """The name of one of its values."""
        if self.type != "many":
            return self.name
        target: Target = self.options["target"]
        return self.name.removesuffix(target.plural) + target.name

    @property
    def is_reference(self) -> bool:
        """Whether it refers to other resources."""
        return self.type in REFERENCES

    @property
    def words(self) -> str:
        """The name as prose."""
        return to_words(self.singular)

    @property
    def article(self) -> str:
        """The article before its name."""
        return to_article(self.singular)

    @property
    def type_name(self) -> str:
        """The name of the field's own type or class, if it needs one."""
        return self.resource + to_pascal(self.singular)

    @property
    def request_name(self) -> str:
        """The name of the type of its values in requests, if it has constraints."""
        # `BookTag` is the model of a link.
        return self.resource + to_pascal(self.name)

    @property
    def is_required(self) -> bool:
        """Whether a new row needs a value."""
        return not (self.is_nullable or "default" in self.options or self.type == "many")

    @property
    def filters(self) -> dict[str, str]:
        """The parameters of lists that filter by it, and the operator of each."""
        if "filter" not in self.options:
            return {}
        if self.has_range:
            return {f"{self.name}_min": ">=", f"{self.name}_max": "<="}
        return {self.attribute: "=="}

    @property
    def has_range(self) -> bool:
        """Whether a minimum and a maximum filter it."""
        return "filter" in self.options and self.type in RANGES

    @property
    def comparable(self) -> str:
        """The type that its values in JSON need, so that Python sorts them."""
        return self.python if self.type in RANGES - {"date", "datetime"} else "str"

    @property
    def is_text(self) -> bool:
        """Whether its length may have limits."""
        return self.type in TEXTS

    @property
    def length(self) -> int | None:
        """The maximum number of characters, if there is one."""
        return self.options.get("length")

    @property
    def python(self) -> str:
        """The type of its values, without null."""
        return str(TYPES[self.type]["python"]).format(type_name=self.type_name)

    @property
    def request(self) -> str:
        """The type of its values in requests, without constraints."""
        return str(TYPES[self.type].get("request", self.python))

    @property
    def query(self) -> str:
        """The type of its values in queries, if it is another one than in bodies."""
        return str(TYPES[self.type].get("query", ""))

    @property
    def column(self) -> str:
        """The type of its column; empty where `python` determines it."""
        if self.type == "ref":
            return self._foreign_key()
        precision, scale = self.options.get("precision", ("", ""))
        column = str(TYPES[self.type].get("column", ""))
        return column.format(length=self.length, precision=precision, scale=scale)

    def _foreign_key(self) -> str:
        action = self.options.get("on_delete", "restrict").replace("_", " ").upper()
        return f'ForeignKey("{self.options["target"].plural}.id", ondelete="{action}")'

    @property
    def constraints(self) -> dict[str, object]:
        """The arguments of `Field` in requests."""
        names = {"min": "ge", "max": "le"}
        if self.is_text:
            names = {"min": "min_length", "length": "max_length"}
        found = {name: self.options[key] for key, name in names.items() if key in self.options}
        if self.type == "many":
            found["max_length"] = MAX_LINKS
        if self.type == "decimal":
            precision, scale = self.options["precision"]
            found |= {"max_digits": precision, "decimal_places": scale}
        return found

    @property
    def default(self) -> str:
        """The default value as Python code."""
        value = self.options["default"]
        return f"{self.type_name}.{str(value).upper()}" if self.type == "enum" else repr(value)

    @property
    def response_default(self) -> str:
        """The default value in a response, as Python code."""
        value = self.options["default"]
        return repr(str(value) if self.type == "decimal" else value)

    @property
    def example(self) -> str:
        """A value for tests as Python code, in which `number` is 1 to 9."""
        if self.is_text:
            return self._example_text()
        if self.type == "enum":
            choices = self.options["choices"]
            return f"{choices}[number % {len(choices)}]"
        if self.type in INTEGERS | {"float", "decimal"}:
            return self._example_number()
        return str(TYPES[self.type]["example"])

    def _example_text(self) -> str:
        minimum, text = int(self.options.get("min", 0)), f"{self.words} 1"
        if len(text) > (self.length or len(text)):
            return "str(number)" + f'.rjust({minimum}, "0")' * (minimum > 1)
        return f'f"{self.words} {{number}}"' + f".ljust({minimum})" * (minimum > len(text))

    def _example_number(self) -> str:
        lowest = math.ceil(self.options.get("min", 1))
        precision, scale = self.options.get("precision", (19, 0))
        if precision == scale:
            return f'f"0.{"0" * (scale - 1)}{{number}}"'
        highest = min(self.options.get("max", math.inf), 10 ** (precision - scale) - 1)
        has_nine = highest >= lowest + 8
        number = "number" if has_nine else f"number % {int(highest - lowest) + 1}"
        offset = lowest - 1 if has_nine else lowest
        number = f"{offset} + {number}" if offset else number
        if self.type == "decimal":
            return f'f"{{{number}:.{scale}f}}"'
        return f"float({number})" if self.type == "float" else number

    @property
    def refused(self) -> list[tuple[str, str]]:
        """Values that are refused, as Python code, and the codes of their errors."""
        type_, options = TYPES[self.type], self.options
        minimum, maximum = options.get("min"), options.get("max")
        found = []
        if self.is_text and minimum:
            found.append((f'"x" * {minimum - 1}' if minimum > 1 else '""', "string_too_short"))
        if self.length:
            found.append((f'"x" * {self.length + 1}', "string_too_long"))
        if not self.is_text and minimum is not None:
            found.append((str(minimum - 1), "greater_than_equal"))
        if maximum is not None:
            found.append((str(maximum + 1), "less_than_equal"))
        elif not self.is_text or (minimum or 0) <= 3 <= (self.length or 3):
            value, code = type_["invalid"]
            found.append((repr(value), code))
        if not self.is_nullable:
            found.append(("None", type_["missing"]))
        return found


@dataclass(frozen=True)
class Resource:
    """A resource, such as `Book`.

    Attributes:
        name: the name of its class.
        plural: the name of its table and of the module of its endpoints.
        fields: its fields.
        write_scope: the scope that writing requires; empty for none.
        anonymous_reads: whether requests without a user may read it.
        idempotent: whether a request that creates one may have an Idempotency-Key.
        versioned: whether responses have an `ETag`, which a change requires as `If-Match`.
    """

    name: str
    plural: str
    fields: Sequence[Field]
    write_scope: str = ""
    anonymous_reads: bool = False
    idempotent: bool = False
    versioned: bool = False

    @property
    def singular(self) -> str:
        """The name of a variable for one, and of the modules of its model and its schemas."""
        return to_snake(self.name)

    @property
    def article(self) -> str:
        """The article before its name."""
        return to_article(self.singular)

    @property
    def words(self) -> str:
        """The name as prose."""
        return to_words(self.singular)

    @property
    def plural_words(self) -> str:
        """The plural as prose."""
        return to_words(self.plural)

    @property
    def path(self) -> str:
        """The segment of its URL."""
        return to_path(self.plural)

    def nested_path(self, reference: Field) -> str:
        """The last segment of the URL of its rows that refer to a row."""
        is_only = reference.singular == reference.options["target"].name
        return self.path if is_only else f"{to_path(reference.singular)}-{self.path}"

    @property
    def references(self) -> list[Field]:
        """The fields that refer to other resources."""
        return [field for field in self.fields if field.is_reference]

    @property
    def links(self) -> list[Field]:
        """The fields that refer to any number of rows of another resource."""
        return [field for field in self.fields if field.type == "many"]

    @property
    def columns(self) -> list[Field]:
        """The fields that are columns of its table."""
        return [field for field in self.fields if field.type != "many"]

    @property
    def values(self) -> list[Field]:
        """The fields that have values of their own."""
        return [field for field in self.fields if not field.is_reference]

    @property
    def enumerations(self) -> list[Field]:
        """The fields with values of their own."""
        return [field for field in self.fields if field.type == "enum"]

    @property
    def unique_fields(self) -> list[Field]:
        """The fields of which no two rows have the same value."""
        return [field for field in self.fields if "unique" in field.options]

    @property
    def sorted_fields(self) -> list[Field]:
        """The fields by which lists can be sorted."""
        return [field for field in self.fields if "sort" in field.options]

    @property
    def filtered_fields(self) -> list[Field]:
        """The fields by which lists can be filtered."""
        return [field for field in self.fields if "filter" in field.options]

    @property
    def indexes(self) -> list[Field]:
        """The fields with an index for lists that are filtered or sorted by them."""
        return [
            field
            for field in self.fields
            # The index of a unique constraint serves them too.
            if field.type == "ref"
            or ({"sort", "filter"} & field.options.keys() and "unique" not in field.options)
        ]

    @property
    def is_queried(self) -> bool:
        """Whether its lists have other parameters than those of the page."""
        return self.is_filtered or bool(self.sorted_fields)

    @property
    def searched_fields(self) -> list[Field]:
        """The fields whose text the parameter `search` of lists searches."""
        return [field for field in self.fields if "search" in field.options]

    @property
    def is_filtered(self) -> bool:
        """Whether its lists have filters or a search."""
        return bool(self.filtered_fields or self.searched_fields)

    @property
    def orders(self) -> list[str]:
        """The values of the parameter `sort`."""
        return [f"{sign}{field.name}" for field in self.sorted_fields for sign in ("", "-")]

    @property
    def version_values(self) -> list[str]:
        """Expressions for a row of which at least one changes whenever the row does."""
        # When another row is deleted, the database itself sets a reference to null or deletes a
        # link, and the version stays the same.
        nullified = [
            f"{self.singular}.{field.attribute}"
            for field in self.references
            if field.options.get("on_delete") == "set_null"
        ]
        counts = [f"len({self.singular}.{field.attribute})" for field in self.links]
        return [f"{self.singular}.version", *nullified, *counts]

    @property
    def scopes(self) -> list[str]:
        """The scopes that writing a row, and those to which it refers, requires."""
        others = [scope for field in self.references for scope in field.options["target"].scopes]
        return [*dict.fromkeys([self.write_scope, *others] if self.write_scope else others)]

    @property
    def violations(self) -> list[str]:
        """How a row can violate the constraints of the table."""
        names = [f"the {field.words}" for field in self.unique_fields]
        others = [field.words for field in self.references]
        taken = [f"{enumerate_words(names)} is taken"] if names else []
        return taken + ([f"no {enumerate_words(others)} has this ID"] if others else [])

    @property
    def violation_error(self) -> str:
        """The class of the errors for all of them."""
        is_one = len(self.unique_fields) == 1 and not self.references
        return f"{self.unique_fields[0].type_name}Taken" if is_one else "Conflict"


def parse_resource(description: Mapping[str, Any]) -> Resource:
    """Parse the description of a resource.

    Args:
        description: its `name` and `fields`, as on the command line, and perhaps its `plural`,
            `write_scope`, `anonymous_reads`, `idempotent` and `versioned`; and the `targets` to
            which it may refer.

    Raises:
        InvalidResource: it is not valid.
    """
    name, texts = description["name"], description["fields"]
    if not PASCAL_CASE.fullmatch(name):
        raise InvalidResource(
            f"{name}: write the name of a resource as in Book, OrderLine or ApiKey"
        )
    singular = to_snake(name)
    plural = description.get("plural") or pluralize(singular)
    if not SNAKE_CASE.fullmatch(plural) or len(plural) > MAX_NAME + 3:
        raise InvalidResource(f"{plural}: write the plural as in books or order_lines")
    _check_name(singular, name, RESERVED_NAMES)
    if plural in RESERVED_NAMES or keyword.iskeyword(plural):
        raise InvalidResource(f"{plural}: the plural is taken by the code around it; use --plural")
    if plural == singular:
        raise InvalidResource(f"{name}: the plural is the same; add --plural with another word")
    targets = [
        # Hashable, since templates look for equal ones.
        Target(**{**target, "scopes": tuple(target.get("scopes", ()))})
        for target in description.get("targets", ())
    ]
    fields = [parse_field(name, text, targets) for text in texts]
    if not fields:
        raise InvalidResource(f"{name}: add a field, as in title:str")
    _check_names(fields)
    scope = description.get("write_scope") or ""
    if scope and not SCOPE.fullmatch(scope):
        raise InvalidResource(f"{scope!r}: write a scope as in {plural}:write")
    options = {
        name: bool(description.get(name)) for name in ("anonymous_reads", "idempotent", "versioned")
    }
    parsed = Resource(name, plural, fields, scope, **options)
    _check_version(parsed)
    return parsed


def parse_field(resource: str, text: str, targets: Sequence[Target] = ()) -> Field:
    """Parse a field, such as `pages:int?:min=1:=100`.

    Raises:
        InvalidResource: it is not valid.
    """
    declaration, has_default, default = text.partition(":=")
    name, _, rest = declaration.partition(":")
    type_, *words = rest.split(":")
    # As in `pages:int?`, or at the end, as in `title:str:200?`.
    is_nullable = declaration.endswith("?") or type_.endswith("?")
    type_ = type_.removesuffix("?")
    words = [word.removesuffix("?") for word in words]
    _check_name(name, text, RESERVED_FIELDS | RESERVED_ENDINGS)
    if hasattr(BaseModel, name):
        raise InvalidResource(f"{text}: Pydantic uses the name {name}; choose another")
    if type_ not in TYPES:
        near = get_close_matches(type_, TYPES, n=1)
        fix = f"did you mean {near[0]}?" if near else f"use one of {', '.join(TYPES)}"
        raise InvalidResource(f"{text}: unknown type {type_!r}; {fix}")
    options = _parse_options(text, type_, words)
    if type_ in REFERENCES:
        if options.get("target") == resource:
            raise InvalidResource(f"{text}: it refers to itself; add this field by hand")
        options["target"] = _find_target(text, options.get("target", ""), targets)
    if type_ == "many":
        _check_link(text, name, options["target"].plural, is_nullable=is_nullable)
    if has_default:
        options["default"] = _parse_default(text, type_, default, options)
    _complete(text, type_, options, is_required=not (is_nullable or has_default))
    if "sort" in options and is_nullable:
        raise InvalidResource(f"{text}: rows without a value cannot be sorted; omit the ? or sort")
    if "sort" in options and options.get("length", 0) > MAX_SORTED:
        raise InvalidResource(f"{text}: sort needs a length of at most {MAX_SORTED}")
    return Field(resource, name, type_, is_nullable, options)


def _check_names(fields: Sequence[Field]) -> None:
    for name, count in Counter(field.attribute for field in fields).items():
        if count > 1:
            raise InvalidResource(f"{name}: several fields have this name; rename one")
    references = Counter(
        (field.options["target"].plural, field.singular) for field in fields if field.is_reference
    )
    for (_, name), count in references.items():
        if count > 1:
            raise InvalidResource(f"{name}: several fields refer to it by this name; rename one")
    search = ["search"] if any("search" in field.options for field in fields) else []
    filters = [name for field in fields for name in field.filters]
    parameters = Counter([*PARAMETERS, *search, *filters])
    for name, count in parameters.items():
        if count > 1:
            raise InvalidResource(
                f"{name}: several parameters of the list have this name; omit a filter"
            )


def _check_version(resource: Resource) -> None:
    names = {resource.singular: VERSIONED_NAMES, resource.plural: VERSIONED_NAMES}
    names |= {field.attribute: VERSIONED_FIELDS for field in resource.fields}
    for name, reserved in names.items():
        if resource.versioned and name in reserved:
            raise InvalidResource(f"{name}: --versioned uses this name; choose another")


def _check_name(name: str, text: str, reserved: frozenset[str]) -> None:
    if not SNAKE_CASE.fullmatch(name):
        raise InvalidResource(f"{text}: write names in lower case, as in published_on:date")
    if len(name) > MAX_NAME:
        raise InvalidResource(f"{text}: use at most {MAX_NAME} characters for a name")
    if name in reserved or keyword.iskeyword(name):
        raise InvalidResource(f"{text}: the name is taken by the code around it; choose another")


def _check_link(text: str, name: str, plural: str, *, is_nullable: bool) -> None:
    if name != plural and not name.endswith(f"_{plural}"):
        raise InvalidResource(f"{text}: name it {plural}, or something that ends with _{plural}")
    if is_nullable:
        raise InvalidResource(f"{text}: it may have no values anyway; omit the ?")


def _parse_options(text: str, type_: str, words: Sequence[str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for word in words:
        name, value = _read_option(text, type_, word)
        allowed = TYPES[type_]["options"].split()
        if name not in allowed:
            spellings = ", ".join(SPELLINGS.get(option, option) for option in allowed)
            known = f"use {spellings}" if allowed else "it has none"
            raise InvalidResource(f"{text}: {type_} has no option {word!r}; {known}")
        if name in options:
            raise InvalidResource(f"{text}: {word!r} repeats an option; omit one of them")
        options[name] = value
    return options


def _read_option(text: str, type_: str, word: str) -> tuple[str, Any]:
    if word in FLAGS:
        return word, True
    name, is_assignment, value = word.partition("=")
    if is_assignment and name in {"min", "max"}:
        return name, _parse_number(text, "int" if type_ in TEXTS else type_, value)
    if word.isdecimal() and int(word) > 0:
        return "length", int(word)
    if type_ == "decimal" and re.fullmatch(r"\d+,\d+", word):
        precision, scale = map(int, word.split(","))
        if scale <= precision <= 100 and precision > 0:
            return "precision", (precision, scale)
    if type_ in REFERENCES and PASCAL_CASE.fullmatch(word):
        return "target", word
    if type_ == "ref" and word in DELETE_ACTIONS:
        return "on_delete", word
    if type_ == "enum" and word:
        return "choices", _parse_choices(text, word.split(","))
    return word, True


def _find_target(text: str, name: str, targets: Sequence[Target]) -> Target:
    if not name:
        raise InvalidResource(f"{text}: name the other resource, as in author:ref:Author")
    found = [target for target in targets if to_pascal(target.name) == name]
    if found:
        return found[0]
    known = ", ".join(to_pascal(target.name) for target in targets)
    fix = f"use one of {known}, or write it first" if known else "write that resource first"
    raise InvalidResource(f"{text}: this command has written no resource {name!r}; {fix}")


def _parse_choices(text: str, choices: list[str]) -> list[str]:
    for choice in choices:
        if not SNAKE_CASE.fullmatch(choice) or len(choice) > 32 or choice in {"name", "value"}:
            raise InvalidResource(f"{text}: write the values as in state:enum:draft,in_print")
    if len({*choices}) < max(2, len(choices)):
        raise InvalidResource(f"{text}: list two or more values, each once")
    return choices


def _parse_number(text: str, type_: str, value: str) -> Any:
    try:
        number = Decimal(value)
        if number.is_finite() and type_ in INTEGERS:
            return int(value)
        if number.is_finite():
            return number if type_ == "decimal" else float(number)
    except (InvalidOperation, ValueError):
        pass
    raise InvalidResource(f"{text}: {value!r} is not a number for {type_}")


def _parse_default(text: str, type_: str, value: str, options: Mapping[str, Any]) -> Any:
    if "default" not in TYPES[type_]["options"].split():
        raise InvalidResource(f"{text}: {type_} has no default; omit it")
    if ":" in value and (type_ not in TEXTS or value.rpartition(":")[2] in FLAGS):
        raise InvalidResource(f"{text}: write the default last, after the other options")
    if type_ == "bool" and value in {"true", "false"}:
        return value == "true"
    if type_ in {"bool", "enum"} and value not in options.get("choices", ()):
        choices = options.get("choices", ["true", "false"])
        raise InvalidResource(f"{text}: the default has to be one of {', '.join(choices)}")
    return value if type_ in TEXTS | {"enum"} else _parse_number(text, type_, value)


def _complete(text: str, type_: str, options: dict[str, Any], *, is_required: bool) -> None:
    if type_ == "decimal" and "precision" not in options:
        raise InvalidResource(
            f"{text}: say how many digits, and how many of them after the point,"
            " as in price:decimal:10,2"
        )
    if type_ == "enum" and "choices" not in options:
        raise InvalidResource(f"{text}: list the values, as in state:enum:draft,live")
    if options.get("on_delete") == "set_null" and is_required:
        raise InvalidResource(f"{text}: set_null needs a field that allows null, as in ref?")
    if type_ == "str":
        options.setdefault("length", 200)
    if type_ in TEXTS and is_required:
        options.setdefault("min", 1)
    _check_range(text, type_, options)
    _check_limits(text, options)
    if type_ == "decimal" and "default" in options:
        options["default"] = Decimal(f"{options['default']:.{options['precision'][1]}f}")


def _check_range(text: str, type_: str, options: Mapping[str, Any]) -> None:
    precision, scale = options.get("precision", (0, 0))
    # PostgreSQL has no longer columns: https://www.postgresql.org/docs/current/datatype-character.html
    ends = dict.fromkeys(TEXTS, 10_485_760) | {
        "int": 2**31 - 1,
        "bigint": 2**63 - 1,
        "decimal": Decimal(10) ** (precision - scale) - Decimal(10) ** -scale,
        "float": sys.float_info.max,
    }
    end = ends.get(type_, math.inf)
    for name in ("length", "min", "max", "default"):
        value = options.get(name, 0)
        if not isinstance(value, str) and abs(value) > end:
            raise InvalidResource(f"{text}: {value} is too large for {type_}")
    if type_ in TEXTS and options.get("min", 0) < 0:
        raise InvalidResource(f"{text}: a length is not negative")
    default = options.get("default", 0)
    if type_ == "decimal" and default != round(default, scale):
        raise InvalidResource(f"{text}: the default has more than {scale} digits after the point")


def _check_limits(text: str, options: Mapping[str, Any]) -> None:
    lowest = options.get("min", -math.inf)
    highest = options.get("length", options.get("max", math.inf))
    if lowest > highest:
        raise InvalidResource(f"{text}: the minimum is above the maximum")
    if lowest == options.get("max"):
        raise InvalidResource(f"{text}: its limits allow one value only; omit the field")
    if "unique" in options and options.get("max", math.inf) < options.get("min", 1) + 8:
        raise InvalidResource(f"{text}: its limits allow fewer than nine rows; widen them")
    default = options.get("default", False)
    is_limited = "length" in options or "min" in options or "max" in options
    value = len(default) if isinstance(default, str) else default
    if "default" in options and is_limited and not lowest <= value <= highest:
        raise InvalidResource(f"{text}: the default is outside of the limits")


class Resources(Extension):
    """Makes `parse_resource` available to the templates."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["parse_resource"] = parse_resource
