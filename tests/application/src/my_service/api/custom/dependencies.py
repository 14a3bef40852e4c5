"""Typed dependencies for the objects on `app.state`."""

from typing import Annotated

from fastapi import Depends
from httpx2 import AsyncClient
from starlette.requests import HTTPConnection

from my_service.core.settings import Settings
from my_service.db.session import Database
from my_service.services.board import Board
from my_service.services.mail import Mailer


async def get_settings(connection: HTTPConnection) -> Settings:
    """The settings of the service."""
    settings: Settings = connection.app.state.settings
    return settings


async def get_database(connection: HTTPConnection) -> Database:
    """The database, for transactions of their own."""
    database: Database = connection.app.state.database
    return database


async def get_board(connection: HTTPConnection) -> Board:
    """The board that publishes changes."""
    board: Board = connection.app.state.board
    return board


async def get_mailer(connection: HTTPConnection) -> Mailer:
    """The mailer."""
    mailer: Mailer = connection.app.state.mailer
    return mailer


async def get_supplier(connection: HTTPConnection) -> AsyncClient:
    """The HTTP client for the supplier."""
    supplier: AsyncClient = connection.app.state.supplier
    return supplier


CurrentSettings = Annotated[Settings, Depends(get_settings)]
CurrentDatabase = Annotated[Database, Depends(get_database)]
CurrentBoard = Annotated[Board, Depends(get_board)]
CurrentMailer = Annotated[Mailer, Depends(get_mailer)]
Supplier = Annotated[AsyncClient, Depends(get_supplier)]
