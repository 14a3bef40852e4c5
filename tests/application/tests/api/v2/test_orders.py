from httpx2 import AsyncClient

from tests.conftest import create, create_bicycle, create_order

ORDERS = "/api/v2/orders"


async def test_the_location_has_the_same_version(manager: AsyncClient) -> None:
    bicycle = await create_bicycle(manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks."}
    response = await manager.post(ORDERS, json=new)

    assert response.headers["location"] == f"{ORDERS}/{response.json()['id']}"
    assert (await manager.get(response.headers["location"])).json() == response.json()
    assert "deprecation" not in response.headers


async def test_amounts_have_a_currency(manager: AsyncClient) -> None:
    order = await create_order(manager, estimate="10.50")
    part = await create(manager, "parts", sku="CH-11", name="Chain", price="24.90", stock=3)
    await create(manager, f"orders/{order['id']}/lines", part_id=part["id"], quantity=2)

    read = (await manager.get(f"{ORDERS}/{order['id']}")).json()

    assert read["estimate"] == {"amount": "10.50", "currency": "EUR"}
    assert read["total"] == {"amount": "49.80", "currency": "EUR"}
    assert read["parts"] == 2
    assert (await manager.get(ORDERS)).json() == {"items": [read], "next_cursor": None}
