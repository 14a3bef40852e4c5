"""Validators, reserved names and computed defaults."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from copier.errors import UserMessageError
from harness import QUESTIONS, TEMPLATE, load_extension
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from origins import ORIGINS, SAFE_PATTERNS, UNSAFE_PATTERNS

answers = load_extension(TEMPLATE, "answers")
SPELLING = "must start with a-z and contain only a-z, 0-9 and _"


def check_answers(**data: object) -> None:
    environment = Environment(extensions=[answers.Answers])
    template = environment.from_string("{{ check_answers() }}")
    assert template.render(_copier_conf={"data": data}) == "True"


class TestQuestions:
    def test_every_question_has_a_check_in_the_same_order(self) -> None:
        assert list(answers.QUESTIONS) == list(QUESTIONS)

    @pytest.mark.parametrize("name", QUESTIONS)
    def test_every_question_has_a_short_help_text(self, name: str) -> None:
        question = QUESTIONS[name]
        assert {"type", "help", "default"} <= question.keys()
        assert len(question["help"]) < 100
        assert re.fullmatch("[A-Z][^?]+\\?", question["help"])

    @pytest.mark.parametrize("name", [n for n, q in QUESTIONS.items() if "choices" in q])
    def test_checks_have_the_choices_of_the_questions(self, name: str) -> None:
        choices = QUESTIONS[name]["choices"]
        values = list(choices.values() if isinstance(choices, dict) else choices)
        refusal = answers.problem(name, "another")
        assert refusal.endswith(f"use one of {', '.join(values)}")
        assert not any(answers.problem(name, value) for value in values)

    @pytest.mark.parametrize("name", [n for n, q in QUESTIONS.items() if q["type"] == "bool"])
    def test_a_switch_accepts_true_and_false_only(self, name: str) -> None:
        assert answers.problem(name, "nope") == "'nope' is not a boolean; use true or false"

    @pytest.mark.parametrize(
        "name", [n for n, q in QUESTIONS.items() if q["type"] == "str" and "choices" not in q]
    )
    def test_every_text_has_a_validator(self, name: str) -> None:
        check = f"problem('{name}', {name})"
        if name == "package_name":
            check = f"({check} or check_package_renamed({name}))"
        assert QUESTIONS[name]["validator"] == f"{{{{ {check} | fix_first }}}}"


class TestSlug:
    @pytest.mark.parametrize(
        ("name", "slug"),
        [
            ("My Service", "my-service"),
            ("  Orders -- and_more... ", "orders-and-more"),
            ("Bob's Büro & Straße", "bobs-buro-strasse"),
            ("3D Shop", "3d-shop"),
            ("🚀", "my-service"),
            ("注文", "my-service"),
            ("FastAPI", "fastapi-service"),
            ("con", "con-service"),
            ("x" * 80, "x" * 60),
        ],
    )
    def test_derived_from_the_name(self, name: str, slug: str) -> None:
        assert answers.make_slug(name) == slug

    @pytest.mark.parametrize(
        "slug",
        ["", "../x", "My-Service", "my_service", "a--b", "-a", "a-", "a.b", "a b", "a\n", "é"],
    )
    def test_a_name_that_is_not_normalized_is_refused(self, slug: str) -> None:
        fixed = answers.make_slug(slug)
        assert answers.problem("project_slug", slug) == f"{slug!r} is not normalized; use {fixed!r}"

    @pytest.mark.parametrize("slug", ["fastapi", "uuid-utils", "nul", "com1", "a" * 61])
    def test_an_invalid_distribution_name_is_refused(self, slug: str) -> None:
        assert answers.problem("project_slug", slug)


class TestPackage:
    @pytest.mark.parametrize(
        ("slug", "package"),
        [
            ("my-service", "my_service"),
            ("3d-shop", "service_3d_shop"),
            ("class", "class_service"),
            ("types", "types_service"),
            ("uuid-utils", "uuid_utils_service"),
            ("migrations", "migrations_service"),
            ("aux", "aux_service"),
            ("abc-" * 15, "abc_abc_abc_abc_abc_abc_abc_abc_abc_abc"),
        ],
    )
    def test_derived_from_the_slug(self, slug: str, package: str) -> None:
        assert answers.make_package(slug) == package

    @pytest.mark.parametrize(
        ("package", "refusal"),
        [
            ("class", "'class' is a Python keyword; use 'class_service'"),
            ("match", "'match' is a Python keyword; use 'match_service'"),
            ("json", "'json' is a module of the standard library; use 'json_service'"),
            ("annotationlib", "'annotationlib' is a module of the standard library"),
            ("imp", "'imp' is a module of the standard library"),
            ("fastapi", "'fastapi' is a module of a package that the service may need"),
            ("dotenv", "'dotenv' is a module of a package that the service may need"),
            ("tests", "'tests' is a name in use by the service"),
            ("conftest", "'conftest' is a name in use by the service"),
            ("com9", "'com9' is a reserved name on Windows"),
            ("Orders", f"'Orders' {SPELLING}; use 'orders'"),
            ("my-service", f"'my-service' {SPELLING}; use 'my_service'"),
            ("3d", f"'3d' {SPELLING}; use 'service_3d'"),
            ("_orders", f"'_orders' {SPELLING}; use 'orders'"),
            ("größe", f"'größe' {SPELLING}; use 'grosse'"),
            ("", f"'' {SPELLING}; use 'my_service'"),
            ("x" * 41, "use at most 40 characters, not 41"),
        ],
    )
    def test_refusals_name_the_fix(self, package: str, refusal: str) -> None:
        assert answers.problem("package_name", package).startswith(refusal)

    def test_modules_of_the_standard_library_are_reserved(self) -> None:
        public = {
            module for module in sys.stdlib_module_names if re.fullmatch("[a-z][a-z0-9_]*", module)
        }
        assert public <= answers.STANDARD_LIBRARY

    @pytest.mark.parametrize("derived", ["{}_service", "service_{}"])
    def test_derived_names_are_not_reserved(self, derived: str) -> None:
        reserved = set().union(*answers.RESERVED_PACKAGES.values())
        assert not {derived.format(name) for name in reserved} & reserved


def assert_derives_valid_defaults(name: str) -> None:
    slug = answers.make_slug(name)
    assert answers.problem("project_slug", slug) == ""
    assert answers.problem("package_name", answers.make_package(slug)) == ""


@given(st.text(min_size=1, max_size=74))
def test_the_derived_defaults_are_valid_for_any_name(name: str) -> None:
    assert_derives_valid_defaults(name)


@given(st.sampled_from(sorted(answers.DEPENDENCIES | answers.STANDARD_LIBRARY | answers.KEYWORDS)))
def test_the_derived_defaults_are_valid_for_reserved_names(name: str) -> None:
    assert_derives_valid_defaults(name)


class TestText:
    @pytest.mark.parametrize(
        "text", ["My Service", "x", 'Say "hi" \\ {{ 7 }}', "注文 🚀", "a" * 74]
    )
    def test_a_printable_line_is_a_name(self, text: str) -> None:
        assert answers.problem("project_name", text) == ""

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a" * 81,
            "a\nb",
            "a\x00",
            "a\u202eb",
            "a\u200bb",
            "a\u2028b",
            "\ud800",
            " a",
            "a ",
            "a\tb",
        ],
    )
    def test_other_texts_are_refused(self, text: str) -> None:
        assert answers.problem("project_name", text)

    @pytest.mark.parametrize("text", ["a" * 73 + "\\", "a" * 72 + "'\"", "a" * 73 + "注"])
    def test_the_characters_that_count_as_two_are_named(self, text: str) -> None:
        assert answers.problem("project_name", text) == (
            "use at most 74 characters (wide characters, backslashes, and quotes that Python has to"
            " escape count as two)"
        )
        assert answers.problem("project_name", text[1:]) == ""

    def test_a_name_is_not_empty(self) -> None:
        assert answers.problem("project_name", "") == "use at least 1 character"

    def test_a_description_may_be_empty_and_longer(self) -> None:
        assert answers.problem("project_description", "") == ""
        assert answers.problem("project_description", "a" * 200) == ""
        refusal = answers.problem("project_description", "a" * 201)
        assert refusal == "use at most 200 characters, not 201"


class TestOrigins:
    @pytest.mark.parametrize(("text", "origin"), ORIGINS)
    def test_origins_are_normalized(self, text: str, origin: str | None) -> None:
        if origin is None:
            with pytest.raises(ValueError, match=r"; (use|remove|escape|list) "):
                answers.normalize_origin(text)
        else:
            assert answers.normalize_origin(text) == origin

    @pytest.mark.parametrize(("text", "origin"), [row for row in ORIGINS if row[0]])
    def test_only_normalized_origins_are_accepted(self, text: str, origin: str | None) -> None:
        problem = answers.problem("cors_origins", f"{text},http://last")
        assert (problem == "") == (text == origin)
        assert origin is None or text == origin or problem.endswith(f"use {origin!r}")

    def test_origins_are_separated_by_commas(self) -> None:
        text = "http://localhost:3000, https://app.example.com"
        assert answers.problem("cors_origins", text) == ""
        assert answers.parse_origins(text) == ["http://localhost:3000", "https://app.example.com"]

    def test_no_origin_is_required(self) -> None:
        assert answers.problem("cors_origins", "") == ""
        assert answers.parse_origins("") == []

    @pytest.mark.parametrize(
        "text", ["http://a,", ",http://a", "http://a,,http://b", "http://a http://b"]
    )
    def test_an_empty_item_is_refused(self, text: str) -> None:
        assert answers.problem("cors_origins", text)

    @pytest.mark.parametrize("text", ["user:secret@app.example.com", "https://user:secr/t@a.com"])
    def test_refusals_do_not_quote_a_password(self, text: str) -> None:
        refusal = answers.problem("cors_origins", text)
        assert "secr" not in refusal
        assert refusal == "an origin has no @; remove the user name, password or path around it"

    def test_a_path_with_an_at_sign_is_not_called_a_user(self) -> None:
        refusal = answers.problem("cors_origins", "https://example.com/@foo")
        assert refusal.endswith("; remove the user name, password or path around it")

    def test_a_refusal_of_several_origins_keeps_all(self) -> None:
        refusal = answers.problem("cors_origins", "https://a.com https://b.com")
        assert refusal.endswith("; use 'https://a.com', or separate several with commas")
        refusal = answers.problem("cors_origins", "https://a.com,  https://b.com")
        assert refusal.startswith("' https://b.com' is not a valid origin; use http://, https://")
        assert refusal.endswith(", with only a comma between several")


# Parts of patterns, safe or not.
PARTS = r"a - . \. / : @ [a-z] [a-z0-9-] [^/] [.-z] \d \w \S + * ? {2} (a|b) ( ) | ^ $ https://"


class TestPatterns:
    def test_no_pattern_is_required(self) -> None:
        assert answers.problem("cors_origin_regex", "") == ""

    @pytest.mark.parametrize(("pattern", "matches", "others"), SAFE_PATTERNS)
    def test_a_safe_pattern_is_accepted(
        self, pattern: str, matches: list[str], others: list[str]
    ) -> None:
        assert answers.problem("cors_origin_regex", pattern) == ""
        assert all(re.fullmatch(pattern, origin) for origin in matches)
        assert not any(re.fullmatch(pattern, origin) for origin in others)

    @pytest.mark.parametrize("pattern", UNSAFE_PATTERNS)
    def test_an_unsafe_pattern_is_refused(self, pattern: str) -> None:
        assert answers.problem("cors_origin_regex", pattern)

    def test_a_refusal_for_a_shared_host_suggests_a_safe_pattern(self) -> None:
        refusal = answers.problem("cors_origin_regex", r"https://app-[a-z0-9-]+\.vercel\.app")
        (safe,) = re.findall("'(https.+)'", refusal)
        assert safe == r"https://app-[a-z0-9-]+-myteam\.vercel\.app"
        assert answers.problem("cors_origin_regex", safe) == ""

    @pytest.mark.parametrize("domain", [r"cloudfront\.net", r"co\.uk"])
    def test_a_name_of_a_team_is_suggested_only_where_it_helps(self, domain: str) -> None:
        refusal = answers.problem("cors_origin_regex", rf"https://app-[0-9]+-myteam\.{domain}")
        assert refusal.endswith("; list the origins")

    @pytest.mark.parametrize(
        "label", ["pr-[0-9]{1,3}", "pr-?[0-9]+", "[a-d]+", r"(www\.)?app", "[a-z]+[0-9]+", "(a|b)+"]
    )
    def test_a_refusal_names_what_is_supported(self, label: str) -> None:
        refusal = answers.problem("cors_origin_regex", rf"https://{label}\.example\.com")
        named = (r"\.", "(a|b)", r"\d", r"\w", "[a-z0-9-]")
        assert ["0-9", "-", *named] == [part for part in ("0-9", "-", *named) if part in refusal]
        parts = ["https://", "az09-", r"\.", "(a|b)", r"\d{2}", r"\w*", r"\.", "[a-z0-9-]+"]
        assert answers.problem("cors_origin_regex", rf"{''.join(parts)}\.example\.com") == ""

    def test_a_pattern_that_is_too_long_is_refused(self) -> None:
        domain = "a" * 60 + r"\.example\.com"
        assert answers.problem("cors_origin_regex", rf"https://[a-z]+\.{domain}") == ""
        assert answers.problem("cors_origin_regex", rf"https://[a-z]+\.aaaaaa{domain}")

    @given(
        st.lists(
            st.sampled_from(PARTS.split()),
            max_size=8,
        ),
        st.sampled_from(["", "-team", r"\.app"]),
        st.data(),
    )
    def test_accepted_patterns_match_the_written_domain_only(
        self, parts: list[str], label: str, data: st.DataObject
    ) -> None:
        pattern = rf"https://{''.join(parts)}{label}\.example\.com"
        if answers.problem("cors_origin_regex", pattern):
            return
        origin = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
        assert re.fullmatch(r"https://[\w.-]*(?<![\w-])example\.com\n?", origin)


class TestPassedAnswers:
    def test_no_data_is_valid(self) -> None:
        check_answers()

    @pytest.mark.parametrize(
        "word",
        [
            True,
            False,
            "true",
            "FALSE",
            "Yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "t",
            "f",
            "1",
            "0",
            1,
            0,
        ],
        ids=repr,
    )
    def test_switches_accept_the_words_of_copier(self, word: object) -> None:
        check_answers(cors=word, example=word, cors_credentials=word)

    @pytest.mark.parametrize(
        "word", ["nope", "", "2", "none", "null", None, 2, 1.0, [], "ja"], ids=repr
    )
    def test_switches_refuse_other_words(self, word: object) -> None:
        with pytest.raises(UserMessageError, match=r"^cors: .+ is not a boolean"):
            check_answers(cors=word)

    def test_private_keys_are_ignored(self) -> None:
        check_answers(_commit="v0.1.0", _src_path="/template")

    def test_an_unknown_name_is_refused_with_the_nearest(self) -> None:
        with pytest.raises(
            UserMessageError, match=r"^databse: unknown question; did you mean database\?$"
        ):
            check_answers(databse="sqlite")

    @pytest.mark.parametrize("number", [3.1, 3, None, True, ["3.11"]])
    def test_texts_that_yaml_parses_as_other_types_are_refused(self, number: object) -> None:
        refusal = r"^python_version: .+ is not a string; put the answer in quotes$"
        with pytest.raises(UserMessageError, match=refusal):
            check_answers(python_version=number)

    def test_all_problems_are_listed_at_once(self) -> None:
        with pytest.raises(UserMessageError) as caught:
            check_answers(package_name="class", database="sqlite", cors="nope", error_format="xml")
        lines = str(caught.value).splitlines()
        assert [line.partition(":")[0] for line in lines] == [
            "package_name",
            "cors",
            "error_format",
        ]

    def test_questions_that_are_not_asked_are_checked_too(self) -> None:
        with pytest.raises(UserMessageError, match=r"^cors_origins: "):
            check_answers(cors=False, cors_origins="*")


@pytest.mark.parametrize(
    ("running", "chosen"),
    [((3, 10), "3.11"), ((3, 11), "3.11"), ((3, 13), "3.13"), ((3, 14), "3.14"), ((3, 17), "3.14")],
)
def test_the_running_python_is_the_default_if_supported(
    monkeypatch: pytest.MonkeyPatch, running: tuple[int, int], chosen: str
) -> None:
    version = type("Version", (), {"minor": running[1]})
    monkeypatch.setattr(answers.sys, "version_info", version)
    assert answers.running_python() == chosen


class TestPythonString:
    @pytest.mark.parametrize(
        ("text", "literal"),
        [
            ("plain", '"plain"'),
            ("it's", '"it\'s"'),
            ('Say "hi"', "'Say \"hi\"'"),
            ('"it\'s"', "'\"it\\'s\"'"),
            ("'\"", '"\'\\""'),
            ("back\\slash", '"back\\\\slash"'),
            ("注文 🚀", '"注文 🚀"'),
        ],
    )
    def test_the_quotes_need_the_fewest_escapes(self, text: str, literal: str) -> None:
        assert answers.python_string(text) == literal

    @given(st.text().filter(str.isprintable))
    def test_evaluates_to_the_text(self, text: str) -> None:
        assert eval(answers.python_string(text)) == text

    def test_is_formatted(self) -> None:
        alphabet = ["'", '"', "\\", "a", "{", "é"]
        texts = [
            a + b + c + d for a in alphabet for b in alphabet for c in alphabet for d in alphabet
        ]
        source = "".join(f"x = {answers.python_string(text)}\n" for text in texts)
        ruff = [sys.executable, "-m", "ruff", "format", "-"]
        formatted = subprocess.run(ruff, input=source, capture_output=True, text=True, check=True)
        assert formatted.stdout == source
