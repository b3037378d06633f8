"""The addresses: health, the language switch, and everything the product itself serves."""

from django.urls import URLPattern, URLResolver, include, path

from platform_lab.health import health

handler400 = "simulations.api.unusable"
handler500 = "simulations.api.broken"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health, name="health"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("simulations.urls")),
]
