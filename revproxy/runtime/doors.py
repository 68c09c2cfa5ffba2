"""The supervisor's own two doors, control socket and admin listener, which move when a reload says so.

`move` opens the new one first. Whoever is connected to the old control socket keeps the connection: it may be the
very client that asked for the reload.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from revproxy.config.settings import Control
from revproxy.runtime import control

if TYPE_CHECKING:
    from revproxy.runtime.admin import Admin, View


class Doors:
    """Both of them."""

    def __init__(self, view: View, verbs: control.Verbs, file: str) -> None:
        self._view = view
        self._verbs = verbs
        self._file = file
        self._control: control.ControlServer | None = None
        self._admin: Admin | None = None

    async def move(self, where: Control, admin: socket.socket | None) -> None:
        """Serve there from now on. Raises ConfigError; call it again with what was before to undo it."""
        await self.move_control(where)
        if self._admin is None and admin is not None:
            # Imported here: aiohttp is 20 MB that workers, which import this room too, have no use for, and takes a
            # tenth of a second, for which none of them has to wait.
            from revproxy.runtime.admin import Admin

            self._admin = Admin(self._view)
        if self._admin is not None:
            await self._admin.serve(admin)

    def waiting(self, verb: str) -> list[int]:
        """See `ControlServer.waiting`."""
        return self._control.waiting(verb) if self._control is not None else []

    async def close(self) -> None:
        """Close both."""
        self.remove()
        if self._admin is not None:
            await self._admin.close()

    def remove(self) -> None:
        """Close the control socket and remove its file."""
        if self._control is not None:
            self._control.close()
            self._control = None

    async def move_control(self, where: Control) -> None:
        """The first half of `move`, the one that may fail."""
        old = self._control
        if old is not None and old.control == where:
            return
        if old is not None and old.control.path == where.path:
            self.remove()
            old = None
        server = control.ControlServer(where, self._verbs)
        await server.start(control.bind(where, self._file))
        self._control = server
        if old is not None:
            old.close()
