from httpx2 import AsyncClient

from my_service.api.v1.bicycles import PHOTO_SIZE
from my_service.core.settings import Settings

from tests.conftest import create_bicycle
from tests.foundation.error_format import read_error

BICYCLES = "/api/v1/bicycles"
PNG = b"\x89PNG\r\n\x1a\n"


async def test_a_bicycle_is_stored_with_its_equipment(manager: AsyncClient) -> None:
    equipment = {"lights": True, "gears": [11, 13, 15], "basket": None}
    bicycle = await create_bicycle(manager, equipment=equipment)

    stored = (await manager.get(f"{BICYCLES}/{bicycle['id']}")).json()

    assert stored == bicycle
    assert stored["equipment"] == equipment
    params = {"customer_id": bicycle["customer"]["id"]}
    assert (await manager.get(BICYCLES, params=params)).json()["items"] == [bicycle]


async def test_frame_numbers_are_unique_until_the_bicycle_is_scrapped(manager: AsyncClient) -> None:
    first = await create_bicycle(manager, frame_number="WX 1")
    second = {"customer_id": first["customer"]["id"], "brand": "Koga", "frame_number": "WX 1"}

    error = read_error(await manager.post(BICYCLES, json=second))
    assert (error.status, error.code) == (409, "frame_number_taken")

    scrapped = await manager.post(f"{BICYCLES}/{first['id']}/scrap")
    assert scrapped.json()["scrapped_at"] is not None
    assert (await manager.post(BICYCLES, json=second)).status_code == 201


async def test_a_bicycle_of_an_unknown_customer_is_refused(manager: AsyncClient) -> None:
    bicycle = await create_bicycle(manager)
    new = {"customer_id": bicycle["id"], "brand": "Koga"}

    assert read_error(await manager.post(BICYCLES, json=new)).code == "customer_not_found"


async def test_a_photo_can_be_downloaded(manager: AsyncClient, settings: Settings) -> None:
    photo = f"{BICYCLES}/{(await create_bicycle(manager))['id']}/photo"
    assert read_error(await manager.get(photo)).code == "photo_not_found"
    # Larger than the limit of other endpoints.
    content = PNG + bytes(settings.max_body_size)

    assert (await manager.put(photo, files={"photo": content})).json()["photo_type"] == "image/png"

    response = await manager.get(photo)
    assert (response.content, response.headers["content-type"]) == (content, "image/png")
    part = await manager.get(photo, headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, PNG)


async def test_an_invalid_photo_is_refused(manager: AsyncClient) -> None:
    photo = f"{BICYCLES}/{(await create_bicycle(manager))['id']}/photo"

    gif = await manager.put(photo, files={"photo": b"GIF89a"})
    too_large = await manager.put(photo, files={"photo": PNG + bytes(PHOTO_SIZE)})
    missing = await manager.put(photo, files={"picture": PNG})

    assert read_error(gif).fields == {"/photo": "validation_error"}
    assert read_error(too_large).status == 413
    assert read_error(missing).fields == {"/photo": "missing"}
