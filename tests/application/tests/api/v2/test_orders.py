from httpx2 import AsyncClient

from tests.conftest import make, make_bicycle, make_order

ORDERS = "/api/v2/orders"


async def test_an_order_is_found_in_the_version_that_took_it(manager: AsyncClient) -> None:
    bicycle = await make_bicycle(manager)
    new = {"bicycle_id": bicycle["id"], "complaint": "It squeaks."}
    response = await manager.post(ORDERS, json=new)

    assert response.headers["location"] == f"{ORDERS}/{response.json()['id']}"
    assert (await manager.get(response.headers["location"])).json() == response.json()
    assert "deprecation" not in response.headers


async def test_amounts_say_their_currency(manager: AsyncClient) -> None:
    order = await make_order(manager, estimate="10.50")
    part = await make(manager, "parts", sku="CH-11", name="Chain", price="24.90", stock=3)
    await make(manager, f"orders/{order['id']}/lines", part_id=part["id"], quantity=2)

    read = (await manager.get(f"{ORDERS}/{order['id']}")).json()

    assert read["estimate"] == {"amount": "10.50", "currency": "EUR"}
    assert read["total"] == {"amount": "49.80", "currency": "EUR"}
    assert read["parts"] == 2
    assert (await manager.get(ORDERS)).json() == {"items": [read], "next_cursor": None}
