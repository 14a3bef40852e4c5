from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from tests.foundation.error_format import read_error

ITEMS = "/api/v1/items"


async def create(client: AsyncClient, name: str, **fields: Any) -> dict[str, Any]:
    response = await client.post(ITEMS, json={"name": name, **fields})
    assert response.status_code == 201
    item: dict[str, Any] = response.json()
    return item


async def test_create_returns_201_with_location(client: AsyncClient) -> None:
    response = await client.post(ITEMS, json={"name": "lamp", "description": "bright"})

    assert response.status_code == 201
    item = response.json()
    assert item.keys() == {"id", "name", "description", "created_at", "updated_at"}
    assert (item["name"], item["description"]) == ("lamp", "bright")
    assert UUID(item["id"]).version == 7
    assert item["created_at"] == item["updated_at"]
    assert response.headers["location"] == f"{ITEMS}/{item['id']}"
    assert (await client.get(response.headers["location"])).json() == item


async def test_the_description_may_be_left_out(client: AsyncClient) -> None:
    assert (await create(client, "lamp"))["description"] is None


async def test_duplicate_name_conflicts(client: AsyncClient) -> None:
    await create(client, "lamp")

    error = read_error(await client.post(ITEMS, json={"name": "lamp"}))

    assert (error.status, error.code) == (409, "item_name_taken")
    # The failure took nothing else with it.
    await create(client, "desk")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"/name": "missing"}),
        ({"name": ""}, {"/name": "string_too_short"}),
        ({"name": "x" * 201}, {"/name": "string_too_long"}),
        ({"name": "a\x00b"}, {"/name": "string_pattern_mismatch"}),
        ({"name": None}, {"/name": "string_type"}),
        ({"name": 7}, {"/name": "string_type"}),
        (
            {"name": "", "description": "x" * 2001},
            {"/name": "string_too_short", "/description": "string_too_long"},
        ),
    ],
)
async def test_a_bad_item_is_refused_field_by_field(
    client: AsyncClient, body: dict[str, Any], fields: dict[str, str]
) -> None:
    error = read_error(await client.post(ITEMS, json=body))

    assert (error.status, error.code, error.fields) == (422, "validation_error", fields)


async def test_the_longest_texts_are_accepted(client: AsyncClient) -> None:
    item = await create(client, "é" * 200, description="😀" * 2000)

    assert (await client.get(f"{ITEMS}/{item['id']}")).json() == item


async def test_the_list_is_empty_at_first(client: AsyncClient) -> None:
    assert (await client.get(ITEMS)).json() == {"items": [], "next_cursor": None}


async def test_the_list_is_paged_newest_first(client: AsyncClient) -> None:
    created = [await create(client, f"item {number}") for number in range(5)]
    listed: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {"limit": 2}
    sizes = []
    while True:
        page = (await client.get(ITEMS, params=parameters)).json()
        listed += page["items"]
        sizes.append(len(page["items"]))
        if page["next_cursor"] is None:
            break
        parameters["cursor"] = page["next_cursor"]

    assert sizes == [2, 2, 1]
    assert listed == created[::-1]


async def test_a_last_page_that_is_full_has_no_next(client: AsyncClient) -> None:
    await create(client, "a")
    await create(client, "b")

    assert (await client.get(ITEMS, params={"limit": 2})).json()["next_cursor"] is None


async def test_cursor_is_stable_under_inserts_and_deletes(client: AsyncClient) -> None:
    created = [await create(client, f"item {number}") for number in range(4)]
    first = (await client.get(ITEMS, params={"limit": 2})).json()

    await create(client, "newcomer")
    await client.delete(f"{ITEMS}/{created[2]['id']}")
    second = (await client.get(ITEMS, params={"cursor": first["next_cursor"]})).json()

    assert second["items"] == [created[1], created[0]]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "many"),
        ("cursor", ""),
        ("cursor", "x"),
        ("cursor", "A" * 21 + "B"),
        ("cursor", "*" * 22),
    ],
)
async def test_a_bad_page_is_refused(client: AsyncClient, parameter: str, value: str) -> None:
    error = read_error(await client.get(ITEMS, params={parameter: value}))

    assert error.status == 422
    assert error.fields.keys() == {f"/query/{parameter}"}


async def test_every_well_formed_cursor_is_accepted(client: AsyncClient) -> None:
    assert (await client.get(ITEMS, params={"cursor": "_" * 21 + "w"})).status_code == 200


async def test_only_the_fields_that_are_given_change(client: AsyncClient) -> None:
    item = await create(client, "lamp", description="bright")

    changed = (await client.patch(f"{ITEMS}/{item['id']}", json={"name": "desk lamp"})).json()

    assert changed == {**item, "name": "desk lamp", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > item["updated_at"]


async def test_description_is_nullable_but_name_is_not(client: AsyncClient) -> None:
    item = await create(client, "lamp", description="bright")
    url = f"{ITEMS}/{item['id']}"

    assert (await client.patch(url, json={"description": None})).json()["description"] is None
    error = read_error(await client.patch(url, json={"name": None}))

    assert (error.status, error.fields) == (422, {"/name": "string_type"})


async def test_a_name_cannot_be_changed_to_one_that_is_taken(client: AsyncClient) -> None:
    await create(client, "lamp")
    item = await create(client, "desk")

    error = read_error(await client.patch(f"{ITEMS}/{item['id']}", json={"name": "lamp"}))

    assert (error.status, error.code) == (409, "item_name_taken")


async def test_a_deleted_item_is_gone(client: AsyncClient) -> None:
    item = await create(client, "lamp")
    url = f"{ITEMS}/{item['id']}"

    response = await client.delete(url)

    assert (response.status_code, response.content) == (204, b"")
    assert read_error(await client.get(url)).code == "item_not_found"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_item_that_does_not_exist_is_not_found(client: AsyncClient, method: str) -> None:
    body = {"name": "lamp"} if method == "PATCH" else None

    error = read_error(await client.request(method, f"{ITEMS}/{uuid4()}", json=body))

    assert (error.status, error.code) == (404, "item_not_found")


async def test_malformed_id_is_rejected(client: AsyncClient) -> None:
    error = read_error(await client.get(f"{ITEMS}/lamp"))

    assert (error.status, error.fields) == (422, {"/path/item_id": "uuid_parsing"})
