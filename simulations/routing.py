"""The socket's address."""

from django.urls import re_path

from simulations.consumers import RunConsumer

websocket_urlpatterns = [re_path(r"^ws/runs/(?P<code>[0-9a-z]{6,8})$", RunConsumer.as_asgi())]
