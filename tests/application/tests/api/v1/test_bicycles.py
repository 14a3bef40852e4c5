from httpx2 import AsyncClient

from my_service.api.v1.bicycles import PHOTO_SIZE
from my_service.core.settings import Settings

from tests.conftest import make_bicycle
from tests.foundation.error_format import read_error

BICYCLES = "/api/v1/bicycles"
PNG = b"\x89PNG\r\n\x1a\n"


async def test_a_bicycle_is_kept_with_its_equipment(manager: AsyncClient) -> None:
    equipment = {"lights": True, "gears": [11, 13, 15], "basket": None}
    bicycle = await make_bicycle(manager, equipment=equipment)

    kept = (await manager.get(f"{BICYCLES}/{bicycle['id']}")).json()

    assert kept == bicycle
    assert kept["equipment"] == equipment
    params = {"customer_id": bicycle["customer"]["id"]}
    assert (await manager.get(BICYCLES, params=params)).json()["items"] == [bicycle]


async def test_a_number_is_on_one_frame_until_that_is_scrapped(manager: AsyncClient) -> None:
    first = await make_bicycle(manager, frame_number="WX 1")
    second = {"customer_id": first["customer"]["id"], "brand": "Koga", "frame_number": "WX 1"}

    error = read_error(await manager.post(BICYCLES, json=second))
    assert (error.status, error.code) == (409, "frame_number_taken")

    scrapped = await manager.post(f"{BICYCLES}/{first['id']}/scrap")
    assert scrapped.json()["scrapped_at"] is not None
    assert (await manager.post(BICYCLES, json=second)).status_code == 201


async def test_who_has_an_unknown_customer_is_told(manager: AsyncClient) -> None:
    bicycle = await make_bicycle(manager)
    new = {"customer_id": bicycle["id"], "brand": "Koga"}

    assert read_error(await manager.post(BICYCLES, json=new)).code == "customer_not_found"


async def test_a_photo_comes_back_as_it_was(manager: AsyncClient, settings: Settings) -> None:
    photo = f"{BICYCLES}/{(await make_bicycle(manager))['id']}/photo"
    assert read_error(await manager.get(photo)).code == "photo_not_found"
    # More than the body of any other request may have.
    content = PNG + bytes(settings.max_body_size)

    assert (await manager.put(photo, files={"photo": content})).json()["photo_type"] == "image/png"

    response = await manager.get(photo)
    assert (response.content, response.headers["content-type"]) == (content, "image/png")
    part = await manager.get(photo, headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, PNG)


async def test_what_is_no_photo_or_too_large_is_refused(manager: AsyncClient) -> None:
    photo = f"{BICYCLES}/{(await make_bicycle(manager))['id']}/photo"

    no_photo = await manager.put(photo, files={"photo": b"GIF89a"})
    too_large = await manager.put(photo, files={"photo": PNG + bytes(PHOTO_SIZE)})
    missing = await manager.put(photo, files={"picture": PNG})

    assert read_error(no_photo).fields == {"/photo": "validation_error"}
    assert read_error(too_large).status == 413
    assert read_error(missing).fields == {"/photo": "missing"}
