"""The ASGI application: pages over HTTP, runs over WebSocket. Any ASGI server will do; ours is daphne."""

import os
from typing import Any, cast
from urllib.parse import urlsplit

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_lab.settings")

http = get_asgi_application()

# After Django is set up, because consumers reach the models.
from simulations.routing import websocket_urlpatterns  # noqa: E402


async def refused(scope: Any, receive: Any, send: Any) -> None:
    """Refuse a socket quietly, without a traceback and without asking the channel layer for anything."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


class OwnPagesOnly(OriginValidator):  # type: ignore[misc]
    """Lets only pages of these origins in.

    The stock refusal listens on the channel layer first, and is an error while that is away; and an Origin
    that is not a URL raises there.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        application = self.application if self.admits(scope) else refused
        await application(scope, receive, send)

    def admits(self, scope: Any) -> bool:
        """Whether the Origin header names one of our origins, with scheme and port."""
        origin = dict(scope["headers"]).get(b"origin")
        try:
            return origin is not None and bool(self.valid_origin(urlsplit(origin.decode("latin1"))))
        except ValueError:
            return False


routes = [*websocket_urlpatterns, re_path(r"", cast(Any, refused))]

# Explicit origins with scheme and port: AllowedHostsOriginValidator compares hosts only, so any other program
# listening on this machine would pass.
websocket = OwnPagesOnly(CookieMiddleware(URLRouter(routes)), settings.ORIGINS)

application = ProtocolTypeRouter({"http": http, "websocket": websocket})
