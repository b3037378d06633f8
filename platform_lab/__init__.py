"""The Django project: settings, addresses, ASGI, Celery and the supervisor. No simulation lives here."""

from platform_lab.celery import app as celery_app

__all__ = ["celery_app"]
